"""Attention of several heads."""


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
