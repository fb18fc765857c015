"""Attention."""


@layer(torch="nn.functional.scaled_dot_product_attention")
def scaled_dot_product_attention(
    query: Real[..., L, E],
    key: Real[..., S, E],
    value: Real[..., S, V],
    attn_mask: Real[..., L, S] = 0,
    keep: Bool[..., L, S] = None,
    *,
    is_causal: Bool = False, scale: Real = None,
):
    """Softmax of scaled dot products, as weights of the values.

    ``attn_mask`` is added to the scores; where ``keep`` is false a score takes no part, and a query that may
    see nothing gives 0.
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
    y[..., l, v] = sum[s](p[..., l, s]*value[..., s, v])
    return y
