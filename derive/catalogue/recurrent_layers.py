"""Recurrent networks of several layers and both directions, as torch's modules hold them; gates in torch's order."""


@layer
def rnn_direction(
    x: Real[T, N, I],
    h0: Real[N, H],
    weight_ih: Real[H, I],
    weight_hh: Real[H, H],
    bias_ih: Real[H] = 0,
    bias_hh: Real[H] = 0,
    lengths: Index[N] = None,
    *,
    nonlinearity: Text["tanh", "relu"] = "tanh", reverse: Bool = False,
):
    """One layer in one direction; a sequence holds its state where it is shorter than the longest."""
    assert T > 0
    if reverse:
        z: Real[T, N, I]
        z[t, n, j] = x[T - 1 - t, n, j]
    else:
        z = x
    h[-1, n, k] = h0[n, k]
    a[t, n, k] = (sum[j](weight_ih[k, j]*z[t, n, j]) + bias_ih[k]
                  + sum[l](weight_hh[k, l]*h[t - 1, n, l]) + bias_hh[k])
    if nonlinearity == "relu":
        v[t, n, k] = relu(a[t, n, k])
    else:
        v[t, n, k] = tanh(a[t, n, k])
    if lengths is None:
        h[t, n, k] = v[t, n, k]
    else:
        inside: Bool[T, N]
        if reverse:
            inside[t, n] = T - 1 - t < lengths[n]
        else:
            inside[t, n] = t < lengths[n]
        h[t, n, k] = where(inside[t, n], v[t, n, k], h[t - 1, n, k])
    if lengths is None:
        w = h
    else:
        w[t, n, k] = where(inside[t, n], h[t, n, k], 0)
    if reverse:
        y: Real[T, N, H]
        y[t, n, k] = w[T - 1 - t, n, k]
    else:
        y = w
    last_h[n, k] = h[T - 1, n, k]
    return y, last_h


@layer(torch="nn.RNN")
def rnn_layers(
    x: Real[N if batch_first else T, T if batch_first else N, I],
    weight_ih: Real[H, I if i == 0 else [2, H] if bidirectional else H][i < num_layers],
    weight_hh: Real[H, H][num_layers],
    weight_ih_reverse: Real[H, I if i == 0 else [2, H]][i < (num_layers if bidirectional else 0)],
    weight_hh_reverse: Real[H, H][num_layers if bidirectional else 0],
    h0: Real[[num_layers, D], N, H] = 0,
    bias_ih: Real[H][num_layers] = 0,
    bias_hh: Real[H][num_layers] = 0,
    bias_ih_reverse: Real[H][num_layers if bidirectional else 0] = 0,
    bias_hh_reverse: Real[H][num_layers if bidirectional else 0] = 0,
    keep: Bool[T, N, [2, H] if bidirectional else H][
        num_layers - 1 if dropout > 0 and training else 0
    ] = bernoulli(1 - dropout),
    lengths: Index[N] = None,
    *,
    num_layers: Int = 1, bidirectional: Bool = False, batch_first: Bool = False,
    nonlinearity: Text["tanh", "relu"] = "tanh", dropout: Real = 0,
    training: Bool = True,
):
    """Elman network of several layers, forward or both ways, with dropout between them."""
    D = 2 if bidirectional else 1
    hn: Real[[num_layers, D], N, H]
    if batch_first:
        z[t, n, j] = x[n, t, j]
    else:
        z = x
    for i in range(num_layers):
        first0[n, k] = h0[[i, 0], n, k]
        y0, last0 = rnn_direction(
            z, first0, weight_ih[i], weight_hh[i], bias_ih[i], bias_hh[i],
            lengths, nonlinearity=nonlinearity)
        hn[[i, 0], n, k] = last0[n, k]
        if bidirectional:
            first1[n, k] = h0[[i, 1], n, k]
            y1, last1 = rnn_direction(
                z, first1, weight_ih_reverse[i], weight_hh_reverse[i], bias_ih_reverse[i], bias_hh_reverse[i],
                lengths, nonlinearity=nonlinearity, reverse=True)
            hn[[i, 1], n, k] = last1[n, k]
            both: Real[T, N, [2, H]]
            both[t, n, [0, k]] = y0[t, n, k]
            both[t, n, [1, k]] = y1[t, n, k]
            z = both
        else:
            z = y0
        if dropout > 0 and training and i < num_layers - 1:
            kept = dropout(z, keep[i], p=dropout)
            z = kept
    if not batch_first:
        y = z
    elif bidirectional:
        y[n, t, [d, k]] = z[t, n, [d, k]]
    else:
        y[n, t, k] = z[t, n, k]
    return y, hn


@layer
def lstm_direction(
    x: Real[T, N, I],
    h0: Real[N, P],
    c0: Real[N, H],
    weight_ih: Real[[4, H], I],
    weight_hh: Real[[4, H], P],
    bias_ih: Real[[4, H]] = 0,
    bias_hh: Real[[4, H]] = 0,
    weight_hr: Real[P, H] = None,
    lengths: Index[N] = None,
    *,
    proj_size: Int = 0, reverse: Bool = False,
):
    """One layer in one direction; a sequence holds its state where it is shorter than the longest."""
    P = proj_size if proj_size > 0 else H
    assert T > 0
    if reverse:
        z: Real[T, N, I]
        z[t, n, j] = x[T - 1 - t, n, j]
    else:
        z = x
    h[-1, n, p] = h0[n, p]
    c[-1, n, k] = c0[n, k]
    a[t, n, [s, k]] = (sum[j](weight_ih[[s, k], j]*z[t, n, j]) + bias_ih[[s, k]]
                       + sum[l](weight_hh[[s, k], l]*h[t - 1, n, l]) + bias_hh[[s, k]])
    i[t, n, k] = sigmoid(a[t, n, [0, k]])
    f[t, n, k] = sigmoid(a[t, n, [1, k]])
    g[t, n, k] = tanh(a[t, n, [2, k]])
    o[t, n, k] = sigmoid(a[t, n, [3, k]])
    u[t, n, k] = f[t, n, k]*c[t - 1, n, k] + i[t, n, k]*g[t, n, k]
    if proj_size > 0:
        v[t, n, p] = sum[k](weight_hr[p, k]*o[t, n, k]*tanh(u[t, n, k]))
    else:
        v[t, n, k] = o[t, n, k]*tanh(u[t, n, k])
    if lengths is None:
        h[t, n, p] = v[t, n, p]
        c[t, n, k] = u[t, n, k]
    else:
        inside: Bool[T, N]
        if reverse:
            inside[t, n] = T - 1 - t < lengths[n]
        else:
            inside[t, n] = t < lengths[n]
        h[t, n, p] = where(inside[t, n], v[t, n, p], h[t - 1, n, p])
        c[t, n, k] = where(inside[t, n], u[t, n, k], c[t - 1, n, k])
    if lengths is None:
        w = h
    else:
        w[t, n, p] = where(inside[t, n], h[t, n, p], 0)
    if reverse:
        y: Real[T, N, P]
        y[t, n, p] = w[T - 1 - t, n, p]
    else:
        y = w
    last_h[n, p] = h[T - 1, n, p]
    last_c[n, k] = c[T - 1, n, k]
    return y, last_h, last_c


@layer(torch="nn.LSTM")
def lstm_layers(
    x: Real[N if batch_first else T, T if batch_first else N, I],
    weight_ih: Real[[4, H], I if i == 0 else [2, P] if bidirectional else P][i < num_layers],
    weight_hh: Real[[4, H], P][num_layers],
    weight_hr: Real[P, H][num_layers if proj_size > 0 else 0],
    weight_ih_reverse: Real[[4, H], I if i == 0 else [2, P]][i < (num_layers if bidirectional else 0)],
    weight_hh_reverse: Real[[4, H], P][num_layers if bidirectional else 0],
    weight_hr_reverse: Real[P, H][num_layers if proj_size > 0 and bidirectional else 0],
    h0: Real[[num_layers, D], N, P] = 0,
    c0: Real[[num_layers, D], N, H] = 0,
    bias_ih: Real[[4, H]][num_layers] = 0,
    bias_hh: Real[[4, H]][num_layers] = 0,
    bias_ih_reverse: Real[[4, H]][num_layers if bidirectional else 0] = 0,
    bias_hh_reverse: Real[[4, H]][num_layers if bidirectional else 0] = 0,
    keep: Bool[T, N, [2, P] if bidirectional else P][
        num_layers - 1 if dropout > 0 and training else 0
    ] = bernoulli(1 - dropout),
    lengths: Index[N] = None,
    *,
    num_layers: Int = 1, bidirectional: Bool = False, batch_first: Bool = False, proj_size: Int = 0, dropout: Real = 0,
    training: Bool = True,
):
    """Long short-term memory of several layers, forward or both ways, with dropout between them."""
    D = 2 if bidirectional else 1
    P = proj_size if proj_size > 0 else H
    hn: Real[[num_layers, D], N, P]
    cn: Real[[num_layers, D], N, H]
    if batch_first:
        z[t, n, j] = x[n, t, j]
    else:
        z = x
    for i in range(num_layers):
        first0[n, p] = h0[[i, 0], n, p]
        cell0[n, k] = c0[[i, 0], n, k]
        if proj_size > 0:
            y0, last0, end0 = lstm_direction(
                z, first0, cell0, weight_ih[i], weight_hh[i], bias_ih[i], bias_hh[i],
                weight_hr[i], lengths, proj_size=proj_size)
        else:
            y0, last0, end0 = lstm_direction(
                z, first0, cell0, weight_ih[i], weight_hh[i], bias_ih[i], bias_hh[i],
                lengths=lengths)
        hn[[i, 0], n, p] = last0[n, p]
        cn[[i, 0], n, k] = end0[n, k]
        if bidirectional:
            first1[n, p] = h0[[i, 1], n, p]
            cell1[n, k] = c0[[i, 1], n, k]
            if proj_size > 0:
                y1, last1, end1 = lstm_direction(
                    z, first1, cell1, weight_ih_reverse[i], weight_hh_reverse[i],
                    bias_ih_reverse[i], bias_hh_reverse[i],
                    weight_hr_reverse[i], lengths, proj_size=proj_size, reverse=True)
            else:
                y1, last1, end1 = lstm_direction(
                    z, first1, cell1, weight_ih_reverse[i], weight_hh_reverse[i],
                    bias_ih_reverse[i], bias_hh_reverse[i],
                    lengths=lengths, reverse=True)
            hn[[i, 1], n, p] = last1[n, p]
            cn[[i, 1], n, k] = end1[n, k]
            both: Real[T, N, [2, P]]
            both[t, n, [0, p]] = y0[t, n, p]
            both[t, n, [1, p]] = y1[t, n, p]
            z = both
        else:
            z = y0
        if dropout > 0 and training and i < num_layers - 1:
            kept = dropout(z, keep[i], p=dropout)
            z = kept
    if not batch_first:
        y = z
    elif bidirectional:
        y[n, t, [d, p]] = z[t, n, [d, p]]
    else:
        y[n, t, p] = z[t, n, p]
    return y, hn, cn


@layer
def gru_direction(
    x: Real[T, N, I],
    h0: Real[N, H],
    weight_ih: Real[[3, H], I],
    weight_hh: Real[[3, H], H],
    bias_ih: Real[[3, H]] = 0,
    bias_hh: Real[[3, H]] = 0,
    lengths: Index[N] = None,
    *,
    reverse: Bool = False,
):
    """One layer in one direction; a sequence holds its state where it is shorter than the longest."""
    assert T > 0
    if reverse:
        z: Real[T, N, I]
        z[t, n, j] = x[T - 1 - t, n, j]
    else:
        z = x
    h[-1, n, k] = h0[n, k]
    a[t, n, [s, k]] = sum[j](weight_ih[[s, k], j]*z[t, n, j]) + bias_ih[[s, k]]
    b[t, n, [s, k]] = sum[l](weight_hh[[s, k], l]*h[t - 1, n, l]) + bias_hh[[s, k]]
    r[t, n, k] = sigmoid(a[t, n, [0, k]] + b[t, n, [0, k]])
    q[t, n, k] = sigmoid(a[t, n, [1, k]] + b[t, n, [1, k]])
    c[t, n, k] = tanh(a[t, n, [2, k]] + r[t, n, k]*b[t, n, [2, k]])
    v[t, n, k] = (1 - q[t, n, k])*c[t, n, k] + q[t, n, k]*h[t - 1, n, k]
    if lengths is None:
        h[t, n, k] = v[t, n, k]
    else:
        inside: Bool[T, N]
        if reverse:
            inside[t, n] = T - 1 - t < lengths[n]
        else:
            inside[t, n] = t < lengths[n]
        h[t, n, k] = where(inside[t, n], v[t, n, k], h[t - 1, n, k])
    if lengths is None:
        w = h
    else:
        w[t, n, k] = where(inside[t, n], h[t, n, k], 0)
    if reverse:
        y: Real[T, N, H]
        y[t, n, k] = w[T - 1 - t, n, k]
    else:
        y = w
    last_h[n, k] = h[T - 1, n, k]
    return y, last_h


@layer(torch="nn.GRU")
def gru_layers(
    x: Real[N if batch_first else T, T if batch_first else N, I],
    weight_ih: Real[[3, H], I if i == 0 else [2, H] if bidirectional else H][i < num_layers],
    weight_hh: Real[[3, H], H][num_layers],
    weight_ih_reverse: Real[[3, H], I if i == 0 else [2, H]][i < (num_layers if bidirectional else 0)],
    weight_hh_reverse: Real[[3, H], H][num_layers if bidirectional else 0],
    h0: Real[[num_layers, D], N, H] = 0,
    bias_ih: Real[[3, H]][num_layers] = 0,
    bias_hh: Real[[3, H]][num_layers] = 0,
    bias_ih_reverse: Real[[3, H]][num_layers if bidirectional else 0] = 0,
    bias_hh_reverse: Real[[3, H]][num_layers if bidirectional else 0] = 0,
    keep: Bool[T, N, [2, H] if bidirectional else H][
        num_layers - 1 if dropout > 0 and training else 0
    ] = bernoulli(1 - dropout),
    lengths: Index[N] = None,
    *,
    num_layers: Int = 1, bidirectional: Bool = False, batch_first: Bool = False, dropout: Real = 0,
    training: Bool = True,
):
    """Gated recurrent unit of several layers, forward or both ways, with dropout between them."""
    D = 2 if bidirectional else 1
    hn: Real[[num_layers, D], N, H]
    if batch_first:
        z[t, n, j] = x[n, t, j]
    else:
        z = x
    for i in range(num_layers):
        first0[n, k] = h0[[i, 0], n, k]
        y0, last0 = gru_direction(
            z, first0, weight_ih[i], weight_hh[i], bias_ih[i], bias_hh[i],
            lengths)
        hn[[i, 0], n, k] = last0[n, k]
        if bidirectional:
            first1[n, k] = h0[[i, 1], n, k]
            y1, last1 = gru_direction(
                z, first1, weight_ih_reverse[i], weight_hh_reverse[i], bias_ih_reverse[i], bias_hh_reverse[i],
                lengths, reverse=True)
            hn[[i, 1], n, k] = last1[n, k]
            both: Real[T, N, [2, H]]
            both[t, n, [0, k]] = y0[t, n, k]
            both[t, n, [1, k]] = y1[t, n, k]
            z = both
        else:
            z = y0
        if dropout > 0 and training and i < num_layers - 1:
            kept = dropout(z, keep[i], p=dropout)
            z = kept
    if not batch_first:
        y = z
    elif bidirectional:
        y[n, t, [d, k]] = z[t, n, [d, k]]
    else:
        y[n, t, k] = z[t, n, k]
    return y, hn
