// What a layer is told by charrnn/native/fixed_point_kernel.py, in the same order and under the same names.
//
// T steps, B lanes, H units, V symbols.
#pragma once
#include <stdint.h>

typedef struct {
    int64_t steps, lanes, hidden;  // T, B, H
    int64_t width;                 // of z: H in the first layer, 2H above
    int64_t width_above;           // of z_above
    const int64_t *ids;            // (T, B), rows of `base`; none above the first layer
    const float *base;             // (V or 1, 4H): what a gate starts from
    const int16_t *up, *down;      // panels of the weights: see pack_up, pack_down
    const float *up_scale, *down_scale; // (4H,), (width,)
    int16_t *z;                    // (T, B, width): inputs and h before the step, times MOST
    int16_t *z_above;              // (T, B, width_above), none in the last layer
    const uint8_t *kept;           // (T, B, H): 0 where dropout zeroes h on its way up; or none
    float factor;                  // what the last layer's output is multiplied by
    int16_t *gates;                // (T, B, 4H): activations, then their gradients in units of:
    float *unit;                   // (T, B)
    float *c;                      // (T + 1, B, H)
    float *h;                      // (B, H): first the state before, then the one after
    float *y;                      // (T, B, H): output of the last layer, none below
    const float *dy;               // (T, B, H): its gradient, in every layer
    float *dx;                     // (T, B, H): gradient of the input; none in the first layer
    float *dh, *dc;                // (B, H): first of the state after, then of the one before
    float *dw_ih;                  // (4H, H), or (V, 4H) in the first layer: summed by symbol
    float *dw_hh, *dbias;          // (4H, H), (4H,)
    float input_factor;            // what an input was multiplied by: 1 / (1 - dropout)
} Layer;
