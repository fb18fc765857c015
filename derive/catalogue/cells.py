"""One step of a recurrent network, arguments as torch's cells have them."""


@layer(torch="nn.RNNCell _VF.rnn_tanh_cell")
def rnn_tanh_cell(
    x: Real[N, I], hx: Real[N, H],
    w_ih: Real[H, I], w_hh: Real[H, H], b_ih: Real[H] = 0, b_hh: Real[H] = 0,
):
    """Elman's step: h' = tanh(W x + U h + b)."""
    h[n, k] = tanh(sum[i](w_ih[k, i]*x[n, i]) + b_ih[k] + sum[l](w_hh[k, l]*hx[n, l]) + b_hh[k])
    return h


@layer(torch="nn.RNNCell _VF.rnn_relu_cell")
def rnn_relu_cell(
    x: Real[N, I], hx: Real[N, H],
    w_ih: Real[H, I], w_hh: Real[H, H], b_ih: Real[H] = 0, b_hh: Real[H] = 0,
):
    """Elman's step with a rectifier: h' = max(W x + U h + b, 0)."""
    h[n, k] = relu(sum[i](w_ih[k, i]*x[n, i]) + b_ih[k] + sum[l](w_hh[k, l]*hx[n, l]) + b_hh[k])
    return h


@layer(torch="nn.LSTMCell _VF.lstm_cell")
def lstm_cell(
    x: Real[N, I], hx: Real[N, H], cx: Real[N, H],
    w_ih: Real[[4, H], I], w_hh: Real[[4, H], H], b_ih: Real[[4, H]] = 0, b_hh: Real[[4, H]] = 0,
):
    """A step of long short-term memory, gates input, forget, cell, output."""
    a[n, [s, k]] = (sum[j](w_ih[[s, k], j]*x[n, j]) + b_ih[[s, k]]
                    + sum[l](w_hh[[s, k], l]*hx[n, l]) + b_hh[[s, k]])
    i[n, k] = sigmoid(a[n, [0, k]])
    f[n, k] = sigmoid(a[n, [1, k]])
    g[n, k] = tanh(a[n, [2, k]])
    o[n, k] = sigmoid(a[n, [3, k]])
    c[n, k] = f[n, k]*cx[n, k] + i[n, k]*g[n, k]
    h[n, k] = o[n, k]*tanh(c[n, k])
    return h, c


@layer(torch="nn.GRUCell _VF.gru_cell")
def gru_cell(
    x: Real[N, I], hx: Real[N, H],
    w_ih: Real[[3, H], I], w_hh: Real[[3, H], H], b_ih: Real[[3, H]] = 0, b_hh: Real[[3, H]] = 0,
):
    """A step of the gated recurrent unit, gates reset, update, new."""
    a[n, [s, k]] = sum[j](w_ih[[s, k], j]*x[n, j]) + b_ih[[s, k]]
    b[n, [s, k]] = sum[l](w_hh[[s, k], l]*hx[n, l]) + b_hh[[s, k]]
    r[n, k] = sigmoid(a[n, [0, k]] + b[n, [0, k]])
    z[n, k] = sigmoid(a[n, [1, k]] + b[n, [1, k]])
    c[n, k] = tanh(a[n, [2, k]] + r[n, k]*b[n, [2, k]])
    h[n, k] = (1 - z[n, k])*c[n, k] + z[n, k]*hx[n, k]
    return h
