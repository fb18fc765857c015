"""Attention of several heads, and the layers of a transformer."""


@layer(torch="nn.MultiheadAttention nn.functional.multi_head_attention_forward")
def multi_head_attention(
    query: Real[L, N, E],
    key: Real[S, N, F],
    value: Real[S, N, G],
    q_proj_weight: Real[[num_heads, D], E],
    k_proj_weight: Real[[num_heads, D], F],
    v_proj_weight: Real[[num_heads, D], G],
    out_proj_weight: Real[O, [num_heads, D]],
    q_proj_bias: Real[[num_heads, D]] = 0,
    k_proj_bias: Real[[num_heads, D]] = 0,
    v_proj_bias: Real[[num_heads, D]] = 0,
    out_proj_bias: Real[O] = 0,
    bias_k: Real[1, 1, [num_heads, D]] = None,
    bias_v: Real[1, 1, [num_heads, D]] = None,
    mask: Real[N, num_heads, L, S] = 0,
    keep: Bool[N, num_heads, L, S + more] = None,
    *,
    num_heads: Int, more: Int = 0, dropout_p: Real = 0.0,
    need_weights: Bool = False, average_attn_weights: Bool = True,
):
    """Queries, keys and values projected for each head, their attention, and its projection back.

    ``more``: places behind the keys, the first for ``bias_k`` and ``bias_v`` where given, the others all 0.
    ``mask`` is added to the scores; where ``keep`` is false a weight is dropped.
    """
    assert num_heads > 0
    T = S + more
    q[n, h, l, d] = (sum[e](q_proj_weight[[h, d], e]*query[l, n, e]) + q_proj_bias[[h, d]])/sqrt(D)
    k: Real[N, num_heads, T, D]
    v: Real[N, num_heads, T, D]
    b: Real[N, num_heads, L, T]
    k[n, h, s < S, d] = sum[e](k_proj_weight[[h, d], e]*key[s, n, e]) + k_proj_bias[[h, d]]
    v[n, h, s < S, d] = sum[e](v_proj_weight[[h, d], e]*value[s, n, e]) + v_proj_bias[[h, d]]
    b[n, h, l, s < S] = mask[n, h, l, s]
    if more > 0:
        if bias_k is None:
            k[n, h, S <= s < T, d] = 0
            v[n, h, S <= s < T, d] = 0
        else:
            k[n, h, S <= s < T, d] = where(s == S, bias_k[0, 0, [h, d]], 0)
            v[n, h, S <= s < T, d] = where(s == S, bias_v[0, 0, [h, d]], 0)
        b[n, h, l, S <= s < T] = 0
    a[n, h, l, s] = sum[d](q[n, h, l, d]*k[n, h, s, d]) + b[n, h, l, s]
    m[n, h, l] = max[s](a[n, h, l, s])
    x[n, h, l, s] = exp(a[n, h, l, s] - m[n, h, l])
    p[n, h, l, s] = x[n, h, l, s]/sum[u](x[n, h, l, u])
    if keep is None:
        w[n, h, l, s] = p[n, h, l, s]
    else:
        w[n, h, l, s] = where(keep[n, h, l, s], p[n, h, l, s]/(1 - dropout_p), 0)
    z[n, h, l, d] = sum[s](w[n, h, l, s]*v[n, h, s, d])
    y[l, n, o] = sum[h, d](out_proj_weight[o, [h, d]]*z[n, h, l, d]) + out_proj_bias[o]
    if need_weights:
        if average_attn_weights:
            weights[n, l, s] = mean[h](w[n, h, l, s])
        else:
            weights[n, h, l, s] = w[n, h, l, s]
        return y, weights
    return y


@layer
def packed_attention(
    query: Real[L, N, E],
    memory: Real[S, N, E],
    in_proj_weight: Real[[3, num_heads, D], E],
    out_proj_weight: Real[E, [num_heads, D]],
    in_proj_bias: Real[[3, num_heads, D]] = 0,
    out_proj_bias: Real[E] = 0,
    mask: Real[L, S] = 0,
    padding: Real[N, S] = 0,
    *,
    num_heads: Int,
):
    """Attention of several heads, the weights of queries, keys and values in one as a transformer holds them.

    ``mask`` and ``padding`` are added to the scores: −inf where a place may not be looked at.
    """
    E = num_heads*D
    scores[n, h < num_heads, l, s] = mask[l, s] + padding[n, s]
    qw: Real[[num_heads, D], E]
    kw: Real[[num_heads, D], E]
    vw: Real[[num_heads, D], E]
    qb: Real[[num_heads, D]]
    kb: Real[[num_heads, D]]
    vb: Real[[num_heads, D]]
    qw[[h, d], e] = in_proj_weight[[0, h, d], e]
    kw[[h, d], e] = in_proj_weight[[1, h, d], e]
    vw[[h, d], e] = in_proj_weight[[2, h, d], e]
    qb[[h, d]] = in_proj_bias[[0, h, d]]
    kb[[h, d]] = in_proj_bias[[1, h, d]]
    vb[[h, d]] = in_proj_bias[[2, h, d]]
    y = multi_head_attention(
        query, memory, memory, qw, kw, vw, out_proj_weight, qb, kb, vb, out_proj_bias,
        mask=scores, num_heads=num_heads)
    return y


@layer
def feed_forward(
    x: Real[..., E],
    linear1_weight: Real[F, E],
    linear2_weight: Real[G, F],
    linear1_bias: Real[F] = 0,
    linear2_bias: Real[G] = 0,
    *,
    activation: Text["relu", "gelu"] = "relu",
):
    """Two linear maps and what bends between them."""
    a = linear(x, linear1_weight, linear1_bias)
    if activation == "gelu":
        h = gelu(a)
    else:
        h = relu(a)
    y = linear(h, linear2_weight, linear2_bias)
    return y


@layer(torch="nn.TransformerEncoderLayer")
def transformer_encoder_layer(
    src: Real[N if batch_first else S, S if batch_first else N, E],
    in_proj_weight: Real[[3, nhead, D], E],
    out_proj_weight: Real[E, [nhead, D]],
    linear1_weight: Real[F, E],
    linear2_weight: Real[E, F],
    in_proj_bias: Real[[3, nhead, D]] = 0,
    out_proj_bias: Real[E] = 0,
    linear1_bias: Real[F] = 0,
    linear2_bias: Real[E] = 0,
    norm1_weight: Real[E] = 1,
    norm1_bias: Real[E] = 0,
    norm2_weight: Real[E] = 1,
    norm2_bias: Real[E] = 0,
    mask: Real[S, S] = 0,
    padding: Real[N, S] = 0,
    *,
    nhead: Int, activation: Text["relu", "gelu"] = "relu", layer_norm_eps: Real = 1e-5,
    batch_first: Bool = False, norm_first: Bool = False,
):
    """Self-attention, then a feed-forward net, each added to what it was given and normalized, after it or before.

    ``mask`` and ``padding`` are added to the scores: −inf where a place may not be looked at.
    """
    E = nhead*D
    if batch_first:
        x[s, n, e] = src[n, s, e]
    else:
        x = src
    if norm_first:
        u = layer_norm(x, norm1_weight, norm1_bias, eps=layer_norm_eps)
        a = packed_attention(
            u, u, in_proj_weight, out_proj_weight, in_proj_bias, out_proj_bias, mask, padding, num_heads=nhead)
        b[s, n, e] = x[s, n, e] + a[s, n, e]
        c = layer_norm(b, norm2_weight, norm2_bias, eps=layer_norm_eps)
        f = feed_forward(c, linear1_weight, linear2_weight, linear1_bias, linear2_bias, activation=activation)
        z[s, n, e] = b[s, n, e] + f[s, n, e]
    else:
        a = packed_attention(
            x, x, in_proj_weight, out_proj_weight, in_proj_bias, out_proj_bias, mask, padding, num_heads=nhead)
        b[s, n, e] = x[s, n, e] + a[s, n, e]
        c = layer_norm(b, norm1_weight, norm1_bias, eps=layer_norm_eps)
        f = feed_forward(c, linear1_weight, linear2_weight, linear1_bias, linear2_bias, activation=activation)
        r[s, n, e] = c[s, n, e] + f[s, n, e]
        z = layer_norm(r, norm2_weight, norm2_bias, eps=layer_norm_eps)
    if batch_first:
        y[n, s, e] = z[s, n, e]
    else:
        y = z
    return y


@layer(torch="nn.TransformerDecoderLayer")
def transformer_decoder_layer(
    tgt: Real[N if batch_first else T, T if batch_first else N, E],
    memory: Real[N if batch_first else S, S if batch_first else N, E],
    self_in_proj_weight: Real[[3, nhead, D], E],
    self_out_proj_weight: Real[E, [nhead, D]],
    cross_in_proj_weight: Real[[3, nhead, D], E],
    cross_out_proj_weight: Real[E, [nhead, D]],
    linear1_weight: Real[F, E],
    linear2_weight: Real[E, F],
    self_in_proj_bias: Real[[3, nhead, D]] = 0,
    self_out_proj_bias: Real[E] = 0,
    cross_in_proj_bias: Real[[3, nhead, D]] = 0,
    cross_out_proj_bias: Real[E] = 0,
    linear1_bias: Real[F] = 0,
    linear2_bias: Real[E] = 0,
    norm1_weight: Real[E] = 1,
    norm1_bias: Real[E] = 0,
    norm2_weight: Real[E] = 1,
    norm2_bias: Real[E] = 0,
    norm3_weight: Real[E] = 1,
    norm3_bias: Real[E] = 0,
    tgt_mask: Real[T, T] = 0,
    memory_mask: Real[T, S] = 0,
    tgt_padding: Real[N, T] = 0,
    memory_padding: Real[N, S] = 0,
    *,
    nhead: Int, activation: Text["relu", "gelu"] = "relu", layer_norm_eps: Real = 1e-5,
    batch_first: Bool = False, norm_first: Bool = False,
):
    """Self-attention, attention to what an encoder made, then a feed-forward net, each added and normalized.

    The masks are added to the scores: −inf where a place may not be looked at.
    """
    E = nhead*D
    if batch_first:
        x[t, n, e] = tgt[n, t, e]
        seen[s, n, e] = memory[n, s, e]
    else:
        x = tgt
        seen = memory
    if norm_first:
        u = layer_norm(x, norm1_weight, norm1_bias, eps=layer_norm_eps)
        a = packed_attention(
            u, u, self_in_proj_weight, self_out_proj_weight, self_in_proj_bias, self_out_proj_bias,
            tgt_mask, tgt_padding, num_heads=nhead)
        b[t, n, e] = x[t, n, e] + a[t, n, e]
        c = layer_norm(b, norm2_weight, norm2_bias, eps=layer_norm_eps)
        g = packed_attention(
            c, seen, cross_in_proj_weight, cross_out_proj_weight, cross_in_proj_bias, cross_out_proj_bias,
            memory_mask, memory_padding, num_heads=nhead)
        h[t, n, e] = b[t, n, e] + g[t, n, e]
        w = layer_norm(h, norm3_weight, norm3_bias, eps=layer_norm_eps)
        f = feed_forward(w, linear1_weight, linear2_weight, linear1_bias, linear2_bias, activation=activation)
        z[t, n, e] = h[t, n, e] + f[t, n, e]
    else:
        a = packed_attention(
            x, x, self_in_proj_weight, self_out_proj_weight, self_in_proj_bias, self_out_proj_bias,
            tgt_mask, tgt_padding, num_heads=nhead)
        b[t, n, e] = x[t, n, e] + a[t, n, e]
        c = layer_norm(b, norm1_weight, norm1_bias, eps=layer_norm_eps)
        g = packed_attention(
            c, seen, cross_in_proj_weight, cross_out_proj_weight, cross_in_proj_bias, cross_out_proj_bias,
            memory_mask, memory_padding, num_heads=nhead)
        h[t, n, e] = c[t, n, e] + g[t, n, e]
        w = layer_norm(h, norm2_weight, norm2_bias, eps=layer_norm_eps)
        f = feed_forward(w, linear1_weight, linear2_weight, linear1_bias, linear2_bias, activation=activation)
        r[t, n, e] = w[t, n, e] + f[t, n, e]
        z = layer_norm(r, norm3_weight, norm3_bias, eps=layer_norm_eps)
    if batch_first:
        y[n, t, e] = z[t, n, e]
    else:
        y = z
    return y
