"""Attention."""


@layer(torch="nn.functional.scaled_dot_product_attention")
def scaled_dot_product_attention(
    query: Real[..., L, E],
    key: Real[..., S, E],
    value: Real[..., S, V],
    attn_mask: Real[..., L, S] = 0,
    keep: Bool[..., L, S] = None,
    left: Bool[..., L, S][1 if dropout_p > 0 else 0] = bernoulli(1 - dropout_p),
    *,
    is_causal: Bool = False, scale: Real = None, dropout_p: Real = 0,
):
    """Softmax of scaled dot products, as weights of the values.

    ``attn_mask`` is added to the scores; where ``keep`` is false a score takes no part, and a query that may
    see nothing gives 0; dropout leaves the weights where ``left``.
    """
    if scale is None:
        c = 1/sqrt(E)
    else:
        c = scale
    a[..., l, s] = c*sum[d](query[..., l, d]*key[..., s, d]) + attn_mask[..., l, s]
    if is_causal or keep is not None:
        seen: Bool[..., L, S]
        if keep is None:
            seen[..., l, s] = s <= l
        elif is_causal:
            seen[..., l, s] = s <= l and keep[..., l, s]
        else:
            seen[..., l, s] = keep[..., l, s]
        m[..., l] = max[s, seen[..., l, s]](a[..., l, s])
        e[..., l, s] = where(seen[..., l, s], exp(a[..., l, s] - m[..., l]), 0)
        p[..., l, s] = where(seen[..., l, s], e[..., l, s]/sum[u](e[..., l, u]), 0)
    else:
        m[..., l] = max[s](a[..., l, s])
        e[..., l, s] = exp(a[..., l, s] - m[..., l])
        p[..., l, s] = e[..., l, s]/sum[u](e[..., l, u])
    if dropout_p > 0:
        y[..., l, v] = sum[s, left[0][..., l, s]](p[..., l, s]*value[..., s, v]/(1 - dropout_p))
    else:
        y[..., l, v] = sum[s](p[..., l, s]*value[..., s, v])
    return y


@layer(torch="nn.functional.scaled_dot_product_attention")
def grouped_query_attention(
    query: Real[..., [H, G], L, E],
    key: Real[..., H, S, E],
    value: Real[..., H, S, V],
    attn_mask: Real[..., [H, G], L, S] = 0,
    keep: Bool[..., [H, G], L, S] = None,
    left: Bool[..., [H, G], L, S][1 if dropout_p > 0 else 0] = bernoulli(1 - dropout_p),
    *,
    is_causal: Bool = False, scale: Real = None, dropout_p: Real = 0,
):
    """Attention in which G query heads share a head of keys and values, as ``enable_gqa`` asks for.

    Masks and dropout are those of ``scaled_dot_product_attention``.
    """
    k: Real[..., [H, G], S, E]
    v: Real[..., [H, G], S, V]
    k[..., [h, g], s, e] = key[..., h, s, e]
    v[..., [h, g], s, e] = value[..., h, s, e]
    y = scaled_dot_product_attention(
        query, k, v, attn_mask, keep, left, is_causal=is_causal, scale=scale, dropout_p=dropout_p)
    return y
