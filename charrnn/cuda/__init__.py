"""Training and sampling as CUDA graphs: recorded once, launched as a whole, waiting for nothing.

graphs.py            a function of the device, recorded
fixed_step.py        a training step on buffers that stay in place
captured.py          that step recorded, in the sizes that cuDNN's quick kernels want
captured_stepper.py  text drawn in blocks: step, draw and feedback in one graph
"""
