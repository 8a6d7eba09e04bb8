// The portable arithmetic of charrnn/export.py, in WebAssembly's SIMD. Raw pointers, no allocation:
// network.mjs lays out the memory. W is H rounded up to a multiple of 32. Vectors of gates are P
// stretches of W float32, and so are biases; what stands beyond H in a stretch is 0 or harmless,
// since the columns that it meets are 0. Built by tools/page.py into kernel.wasm.

/**
 * y[r] = float32(w[r] . q) * factor[r]: w int8 (rows, width), q int16 (width), exact sums. Two rows
 * at a time, so that each piece of q is fetched once for both.
 */
export function dot(w: usize, factor: usize, q: usize, y: usize, rows: i32, width: i32): void {
  for (let r = 0; r < rows; r += 2) {
    // An odd last row is its own partner.
    const other = r + 1 < rows ? w + <usize>width : w;
    let a = i32x4.splat(0), b = i32x4.splat(0), c = i32x4.splat(0), d = i32x4.splat(0);
    for (let k: usize = 0; k < <usize>width; k += 32) {
      const i = w + k, j = other + k, x = q + (k << 1);
      const x0 = v128.load(x), x1 = v128.load(x, 16), x2 = v128.load(x, 32), x3 = v128.load(x, 48);
      a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load_ext<i8>(i), x0));
      c = i32x4.add(c, i32x4.dot_i16x8_s(v128.load_ext<i8>(j), x0));
      b = i32x4.add(b, i32x4.dot_i16x8_s(v128.load_ext<i8>(i, 8), x1));
      d = i32x4.add(d, i32x4.dot_i16x8_s(v128.load_ext<i8>(j, 8), x1));
      a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load_ext<i8>(i, 16), x2));
      c = i32x4.add(c, i32x4.dot_i16x8_s(v128.load_ext<i8>(j, 16), x2));
      b = i32x4.add(b, i32x4.dot_i16x8_s(v128.load_ext<i8>(i, 24), x3));
      d = i32x4.add(d, i32x4.dot_i16x8_s(v128.load_ext<i8>(j, 24), x3));
    }
    put(y, factor, r, i32x4.add(a, b));
    if (r + 1 < rows) put(y, factor, r + 1, i32x4.add(c, d));
    w += <usize>width << 1;
  }
}

@inline function put(y: usize, factor: usize, row: i32, s: v128): void {
  const o = <usize>row << 2;
  const t = i32x4.extract_lane(s, 0) + i32x4.extract_lane(s, 1)
    + i32x4.extract_lane(s, 2) + i32x4.extract_lane(s, 3);
  store<f32>(y + o, <f32>t * load<f32>(factor + o));
}

/** y[k] = float32(row[k]) * scale: a row of the first layer's table, int8 (n). */
export function lookup(row: usize, scale: f32, y: usize, n: i32): void {
  for (let k = 0; k < n; k++) {
    store<f32>(y + (<usize>k << 2), <f32>(<i32>load<i8>(row + k)) * scale);
  }
}

/** a[k] += b[k], n a multiple of 4. */
export function add(a: usize, b: usize, n: i32): void {
  for (let k: usize = 0; k < <usize>n << 2; k += 16) {
    v128.store(a + k, f32x4.add(v128.load(a + k), v128.load(b + k)));
  }
}

@inline function exp(v: v128): v128 {
  v = f32x4.max(f32x4.min(v, f32x4.splat(87)), f32x4.splat(-87));
  const n = f32x4.nearest(f32x4.mul(v, f32x4.splat(1.44269504)));
  const r = f32x4.sub(f32x4.sub(v, f32x4.mul(n, f32x4.splat(0.693359375))),
    f32x4.mul(n, f32x4.splat(-0.00021219444)));
  let p = f32x4.splat(1.98756915e-4);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.39819995e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.33345191e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.16657959e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(0.166666655));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(0.5));
  p = f32x4.add(f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r), f32x4.splat(1));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return f32x4.mul(p, power);
}

@inline function sigmoid(v: v128): v128 {
  const one = f32x4.splat(1);
  return f32x4.div(one, f32x4.add(one, exp(f32x4.neg(v))));
}

@inline function tanh(v: v128): v128 {
  const one = f32x4.splat(1);
  const e = exp(f32x4.mul(v, f32x4.splat(-2)));
  return f32x4.sub(f32x4.div(f32x4.splat(2), f32x4.add(one, e)), one);
}

/** What the next products take of four activations: int16, within -scale and scale. */
@inline function keep(q: usize, k: usize, h: v128, scale: v128): void {
  const n = f32x4.nearest(f32x4.mul(h, scale));
  const bounded = i32x4.trunc_sat_f32x4_s(f32x4.max(f32x4.min(n, scale), f32x4.neg(scale)));
  v128.store64_lane(q + (k >> 1), i16x8.narrow_i32x4_s(bounded, bounded), 0);
}

/** An LSTM's step: x, u, bias (4 W); c float32 (W), q int16 (W), both overwritten. */
export function lstm(
  x: usize, u: usize, bias: usize, c: usize, q: usize, width: i32, scale: f32,
): void {
  const wide = <usize>width << 2, a = f32x4.splat(scale);
  for (let k: usize = 0; k < wide; k += 16) {
    const i = sigmoid(gate(x, u, bias, k));
    const f = sigmoid(gate(x, u, bias, k + wide));
    const g = tanh(gate(x, u, bias, k + 2 * wide));
    const o = sigmoid(gate(x, u, bias, k + 3 * wide));
    const cell = f32x4.add(f32x4.mul(f, v128.load(c + k)), f32x4.mul(i, g));
    v128.store(c + k, cell);
    keep(q, k, f32x4.mul(o, tanh(cell)), a);
  }
}

@inline function gate(x: usize, u: usize, bias: usize, k: usize): v128 {
  return f32x4.add(f32x4.add(v128.load(x + k), v128.load(u + k)), v128.load(bias + k));
}

/** A GRU's step: x, u, bias (3 W), fresh (W) the recurrent bias of n; h float32 (W) and q. */
export function gru(
  x: usize, u: usize, bias: usize, fresh: usize, h: usize, q: usize, width: i32, scale: f32,
): void {
  const wide = <usize>width << 2, a = f32x4.splat(scale), one = f32x4.splat(1);
  for (let k: usize = 0; k < wide; k += 16) {
    const r = sigmoid(part(x, bias, u, k));
    const z = sigmoid(part(x, bias, u, k + wide));
    const own = f32x4.mul(r, f32x4.add(v128.load(u + k + 2 * wide), v128.load(fresh + k)));
    const input = f32x4.add(v128.load(x + k + 2 * wide), v128.load(bias + k + 2 * wide));
    const n = tanh(f32x4.add(input, own));
    const state = f32x4.add(f32x4.mul(f32x4.sub(one, z), n), f32x4.mul(z, v128.load(h + k)));
    v128.store(h + k, state);
    keep(q, k, state, a);
  }
}

@inline function part(x: usize, bias: usize, u: usize, k: usize): v128 {
  return f32x4.add(f32x4.add(v128.load(x + k), v128.load(bias + k)), v128.load(u + k));
}

/** A plain RNN's step: x, u, bias (W); q int16 (W) is overwritten. */
export function rnn(x: usize, u: usize, bias: usize, q: usize, width: i32, scale: f32): void {
  const wide = <usize>width << 2, a = f32x4.splat(scale);
  for (let k: usize = 0; k < wide; k += 16) keep(q, k, tanh(gate(x, u, bias, k)), a);
}
