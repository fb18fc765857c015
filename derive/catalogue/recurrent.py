"""Recurrent cells over time; gates stacked in torch's order."""


@layer
def rnn(
    x: Real[T, N, I],
    h0: Real[N, H],
    weight_ih: Real[H, I],
    weight_hh: Real[H, H],
    bias_ih: Real[H] = 0,
    bias_hh: Real[H] = 0,
    *,
    nonlinearity: Text["tanh", "relu"] = "tanh",
):
    """Elman network: h[t] = tanh(W x[t] + U h[t − 1] + b)."""
    h[-1, n, k] = h0[n, k]
    a[t, n, k] = (sum[i](weight_ih[k, i]*x[t, n, i]) + bias_ih[k]
                  + sum[l](weight_hh[k, l]*h[t - 1, n, l]) + bias_hh[k])
    if nonlinearity == "relu":
        h[t, n, k] = relu(a[t, n, k])
    else:
        h[t, n, k] = tanh(a[t, n, k])
    last[n, k] = h[T - 1, n, k]
    return h, last


@layer
def lstm(
    x: Real[T, N, I],
    h0: Real[N, H],
    c0: Real[N, H],
    weight_ih: Real[[4, H], I],
    weight_hh: Real[[4, H], H],
    bias_ih: Real[[4, H]] = 0,
    bias_hh: Real[[4, H]] = 0,
):
    """Long short-term memory, gates input, forget, cell, output."""
    h[-1, n, k] = h0[n, k]
    c[-1, n, k] = c0[n, k]
    a[t, n, [s, k]] = (sum[j](weight_ih[[s, k], j]*x[t, n, j]) + bias_ih[[s, k]]
                       + sum[l](weight_hh[[s, k], l]*h[t - 1, n, l]) + bias_hh[[s, k]])
    i[t, n, k] = sigmoid(a[t, n, [0, k]])
    f[t, n, k] = sigmoid(a[t, n, [1, k]])
    g[t, n, k] = tanh(a[t, n, [2, k]])
    o[t, n, k] = sigmoid(a[t, n, [3, k]])
    c[t, n, k] = f[t, n, k]*c[t - 1, n, k] + i[t, n, k]*g[t, n, k]
    h[t, n, k] = o[t, n, k]*tanh(c[t, n, k])
    last_h[n, k] = h[T - 1, n, k]
    last_c[n, k] = c[T - 1, n, k]
    return h, last_h, last_c


@layer
def gru(
    x: Real[T, N, I],
    h0: Real[N, H],
    weight_ih: Real[[3, H], I],
    weight_hh: Real[[3, H], H],
    bias_ih: Real[[3, H]] = 0,
    bias_hh: Real[[3, H]] = 0,
):
    """Gated recurrent unit, gates reset, update, new."""
    h[-1, n, k] = h0[n, k]
    a[t, n, [s, k]] = sum[i](weight_ih[[s, k], i]*x[t, n, i]) + bias_ih[[s, k]]
    b[t, n, [s, k]] = sum[l](weight_hh[[s, k], l]*h[t - 1, n, l]) + bias_hh[[s, k]]
    r[t, n, k] = sigmoid(a[t, n, [0, k]] + b[t, n, [0, k]])
    z[t, n, k] = sigmoid(a[t, n, [1, k]] + b[t, n, [1, k]])
    c[t, n, k] = tanh(a[t, n, [2, k]] + r[t, n, k]*b[t, n, [2, k]])
    h[t, n, k] = (1 - z[t, n, k])*c[t, n, k] + z[t, n, k]*h[t - 1, n, k]
    last[n, k] = h[T - 1, n, k]
    return h, last
