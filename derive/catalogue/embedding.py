"""Table look-ups."""


@layer(torch="nn.Embedding nn.functional.embedding")
def embedding(
    token: Index[...], weight: Real[V, D], *, padding_idx: Int = None, scale_grad_by_freq: Bool = False,
):
    """Rows of a table; the row ``padding_idx`` receives no gradient.

    With ``scale_grad_by_freq`` a row's gradient is divided by how often it is looked up.
    """
    if scale_grad_by_freq:
        many[v < V] = max(count[..., token[...] == v](), 1)
        w[v, d] = constant(weight[v, d]) + (weight[v, d] - constant(weight[v, d]))/many[v]
    else:
        w = weight
    if padding_idx is None:
        y[..., d] = w[token[...], d]
    else:
        y[..., d] = where(token[...] == padding_idx, constant(w[token[...], d]), w[token[...], d])
    return y


@layer(torch="nn.EmbeddingBag nn.functional.embedding_bag")
def embedding_bag(
    token: Index[N, L],
    weight: Real[V, D],
    per_sample_weights: Real[N, L] = 1,
    *,
    mode: Text["sum", "mean", "max"] = "mean", padding_idx: Int = None, scale_grad_by_freq: Bool = False,
):
    """Rows of a table summed, averaged or maximized bag by bag; an empty bag gives 0.

    With ``scale_grad_by_freq`` a row's gradient is divided by how often it is looked up.
    """
    if scale_grad_by_freq:
        seen[v < V] = max(count[n, l, token[n, l] == v](), 1)
        w[v, d] = constant(weight[v, d]) + (weight[v, d] - constant(weight[v, d]))/seen[v]
    else:
        w = weight
    inside: Bool[N, L]
    if padding_idx is None:
        inside[n, l] = l < L
    else:
        inside[n, l] = token[n, l] != padding_idx
    many[n] = count[l, inside[n, l]]()
    if mode == "max":
        y[n, d] = where(many[n] > 0, max[l, inside[n, l]](w[token[n, l], d]), 0)
    elif mode == "mean":
        y[n, d] = sum[l, inside[n, l]](w[token[n, l], d])/max(many[n], 1)
    else:
        y[n, d] = sum[l, inside[n, l]](per_sample_weights[n, l]*w[token[n, l], d])
    return y


@layer(torch="nn.functional.embedding_bag")
def embedding_bag_offsets(
    token: Index[T],
    weight: Real[V, D],
    offsets: Index[O],
    per_sample_weights: Real[T] = 1,
    *,
    longest: Int, mode: Text["sum", "mean", "max"] = "mean", padding_idx: Int = None,
    include_last_offset: Bool = False, scale_grad_by_freq: Bool = False,
):
    """Bags one after the other in one list, each from its offset up to the next, of at most ``longest`` tokens.

    An empty bag gives 0; with ``include_last_offset`` the last offset only ends the last bag.  ``scale_grad_by_freq``
    is that of ``embedding_bag``.
    """
    if scale_grad_by_freq:
        seen[v < V] = max(count[t, token[t] == v](), 1)
        w[v, d] = constant(weight[v, d]) + (weight[v, d] - constant(weight[v, d]))/seen[v]
    else:
        w = weight
    N = O - 1 if include_last_offset else O
    start: Index[N]
    start[n < N] = offsets[n]
    end: Index[N]
    if include_last_offset:
        end[n] = offsets[n + 1]
    else:
        end[n] = where(n + 1 < O, offsets[n + 1], T)
    inside: Bool[N, longest]
    if padding_idx is None:
        inside[n, l] = start[n] + l < end[n]
    else:
        inside[n, l] = where(start[n] + l < end[n], token[start[n] + l] != padding_idx, False)
    many[n] = count[l, inside[n, l]]()
    if mode == "max":
        y[n, d] = where(many[n] > 0, max[l, inside[n, l]](w[token[start[n] + l], d]), 0)
    elif mode == "mean":
        y[n, d] = sum[l, inside[n, l]](w[token[start[n] + l], d])/max(many[n], 1)
    else:
        y[n, d] = sum[l, inside[n, l]](per_sample_weights[start[n] + l]*w[token[start[n] + l], d])
    return y
