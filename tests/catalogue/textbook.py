"""Closed forms as textbooks print them, each with where it stands: data of ``test_textbook.py``.

A row: definition (or einsum equation), choices, what is printed (lines in a row joined by a blank), where it stands.
"""

from __future__ import annotations

BISHOP = "Bishop: Pattern Recognition and Machine Learning (Springer 2006)"
BOUVRIE = "Bouvrie: Notes on Convolutional Neural Networks (MIT 2006)"
BOYD = "Boyd, Vandenberghe: Convex Optimization (Cambridge 2004)"
COOKBOOK = "Petersen, Pedersen: The Matrix Cookbook (2012)"
DAO = "Dao et al.: FlashAttention (NeurIPS 2022), appendix B.2"
GILES = "Giles: An extended collection of matrix derivative results (Oxford 2008), 2.2"
GOODFELLOW = "Goodfellow, Bengio, Courville: Deep Learning (MIT Press 2016)"
GRAVES = "Graves: Supervised Sequence Labelling with Recurrent Neural Networks (Springer 2012)"
GREFF = "Greff et al.: LSTM: A Search Space Odyssey (IEEE TNNLS 2017), II.B"
MURPHY = "Murphy: Probabilistic Machine Learning: An Introduction (MIT Press 2022)"

Row = tuple[str, dict[str, object], str, str]

ACTIVATIONS: tuple[Row, ...] = (
    ("sigmoid", {}, "dx[…] = dy[…] · y[…] · (1 − y[…])", f"{BISHOP}, 4.88"),
    ("tanh", {}, "dx[…] = dy[…] · (1 − y[…]²)", f"{BISHOP}, 5.59 and exercise 5.1"),
    ("relu", {}, "dx[…] = dy[…]   if x[…] > 0, else 0", f"{GOODFELLOW}, 6.3.1"),
    ("relu6", {}, "dx[…] = dy[…]   if x[…] > 0, x[…] < 6, else 0",
     "Krizhevsky: Convolutional Deep Belief Networks (2010)"),
    ("leaky_relu", {}, "dx[…] = dy[…] if x[…] > 0 else negative_slope · dy[…]", f"{GOODFELLOW}, 6.3.1"),
    ("prelu", {}, "dweight[0] = Σ c,…, x[c,…] ≤ 0  dy[c,…] · x[c,…]",
     "He et al.: Delving Deep into Rectifiers (ICCV 2015), 2 and 3"),
    ("elu", {}, "dx[…] = dy[…] if x[…] > 0 else alpha · dy[…] · exp(x[…])", "Clevert et al. (ICLR 2016), 15"),
    ("celu", {}, "dx[…] = dy[…] if x[…] > 0 else dy[…] · exp(x[…] / alpha)",
     "Barron: Continuously Differentiable ELUs (2017)"),
    ("selu", {}, "dx[…] = 1.0507009873554805 · dy[…] if x[…] > 0", "Klambauer et al. (NeurIPS 2017), 2: λ where x > 0"),
    ("gelu", {}, "dx[…] = dy[…] · (1 + erf(x[…] / √2) + √2 · x[…] · exp(−x[…]² / 2) / √π) / 2",
     "Hendrycks, Gimpel (2016), 2: x Φ(x), so Φ(x) + x φ(x)"),
    ("silu", {}, "dx[…] = dy[…] · sigmoid(x[…]) · (1 + x[…] · (1 − sigmoid(x[…])))",
     "Elfwing, Uchibe, Doya (Neural Networks 2018), 5"),
    ("mish", {}, "(tanh(softplus(x[…])) + x[…] · sigmoid(x[…]) · (1 − tanh(softplus(x[…]))²))", "Misra (BMVC 2020), 2"),
    ("softplus", {}, "dx[…] = dy[…] if threshold < beta · x[…] else dy[…] · sigmoid(beta · x[…])",
     f"{GOODFELLOW}, 3.39: the derivative of the softplus is the sigmoid"),
    ("logsigmoid", {}, "dx[…] = dy[…] · (1 − sigmoid(x[…]))", f"{GOODFELLOW}, 3.38 and 3.39"),
    ("tanhshrink", {}, "dx[…] = dy[…] · tanh(x[…])²", "1 − (1 − tanh²), from the line of tanh"),
    ("hardtanh", {}, "dx[…] = dy[…]   if min_val < x[…], x[…] < max_val, else 0", f"{GOODFELLOW}, 6.3.3"),
    ("glu", {}, "dx[…,[0, k]] = dy[…,k] · sigmoid(x[…,[1, k]])", "Dauphin et al. (ICML 2017), 3, its first term"),
    ("glu", {}, "dx[…,[1, k]] = dy[…,k] · x[…,[0, k]] · sigmoid(x[…,[1, k]]) · (1 − sigmoid(x[…,[1, k]]))",
     "Dauphin et al. (ICML 2017), 3, its second term"),
    ("softmax", {}, "dx[…,k] = y[…,k] · (dy[…,k] − Σ j  dy[…,j] · y[…,j])",
     f"{BISHOP}, 4.106: ∂y_k/∂a_j = y_k (I_kj − y_j), contracted with dy"),
    ("softmax", {"dim": 1}, "dx[a,k,*b] = y[a,k,*b] · (dy[a,k,*b] − Σ j  dy[a,j,*b] · y[a,j,*b])",
     f"{BISHOP}, 4.106, along the second axis"),
    ("softmax", {}, "Σ j  y[…,j] = 1", f"{BISHOP}, 4.104"),
    ("softmin", {}, "dx[…,k] = y[…,k] · (Σ j  dy[…,j] · y[…,j] − dy[…,k])", f"{BISHOP}, 4.106, of −x"),
    ("log_softmax", {}, "dx[…,k] = dy[…,k] − exp(y[…,k]) · Σ j  dy[…,j]",
     f"{MURPHY}, 10.3.3: the gradient of the log-likelihood of logits is target − softmax"),
    ("gumbel_softmax", {}, "dlogits[…,k] = p[…,k] · (dp[…,k] − Σ j  dp[…,j] · p[…,j]) / tau",
     "Jang, Gu, Poole: Categorical Reparameterization (ICLR 2017), 2"),
)  # fmt: skip

LINEAR: tuple[Row, ...] = (
    ("linear", {}, "dx[…,i] = Σ o  dy[…,o] · weight[o,i]", f"{GOODFELLOW}, algorithm 6.4"),
    ("linear", {}, "dweight[o,i] = Σ …  dy[…,o] · x[…,i]", f"{GOODFELLOW}, algorithm 6.4"),
    ("linear", {}, "dbias[o] = Σ …  dy[…,o]", f"{GOODFELLOW}, algorithm 6.4"),
    ("bilinear", {}, "dweight[o,i,j] = Σ …  dy[…,o] · x1[…,i] · x2[…,j]", f"{COOKBOOK}, 70: ∂(aᵀXb)/∂X = abᵀ"),
    ("dot", {}, "dx[k] = dy · other[k]", f"{COOKBOOK}, 69"),
    ("outer", {}, "dx[n] = Σ m  dy[n,m] · other[m]", f"{COOKBOOK}, 70"),
    ("matmul", {}, "dx[…,n,k] = Σ m  dy[…,n,m] · other[…,k,m]", f"{GILES}: Ā = C̄ Bᵀ"),
    ("matmul", {}, "dother[…,k,m] = Σ n  dy[…,n,m] · x[…,n,k]", f"{GILES}: B̄ = Aᵀ C̄"),
    ("ii->", {}, "dx1[i,j] = [i = j] · dout", f"{COOKBOOK}, 99: ∂Tr(X)/∂X = I"),
    ("ij,ij->", {}, "dx1[i,j] = dout · x2[i,j]", f"{COOKBOOK}, 103: ∂Tr(AᵀX)/∂X = A"),
    ("i,ij,j->", {}, "dx2[i,j] = dout · x1[i] · x3[j]", f"{COOKBOOK}, 70"),
    ("feed_forward", {}, "da[…,o] = dh[…,o]   if a[…,o] > 0, else 0", f"{GOODFELLOW}, algorithm 6.4: g ⊙ f′(a)"),
    ("mlp_loss", {}, "dw1[o,i] = Σ n  da[n,o] · x[n,i]", f"{BISHOP}, 5.67: δ_j x_i"),
    ("embedding", {}, "dweight[v,d] = Σ …  [token[…] = v] · dy[…,d]", "a sum over the places where the row was read"),
    ("cumsum", {}, "dx[…,j] = Σ k, j ≤ k  dy[…,k]", "the transpose of a lower triangle of ones"),
    ("prod_along", {}, "dx[…,d] = dy[…] · Π j, j ≠ d  x[…,j]", "the product rule"),
    ("cumprod", {}, "dx[…,j] = Σ k, j ≤ k  dy[…,k] · Π l, l ≤ k, l ≠ j  x[…,l]", "the product rule, at every end"),
    ("logsumexp", {}, "dx[…,d] = dy[…] · exp(x[…,d] − m[…]) / s[…]", f"{BOYD}, 3.1.5: z/(1ᵀz), z = exp(x)"),
    ("vector_norm", {}, "dx[…,d] = dn[…] · x[…,d] / √s[…]   if s[…] > 0, else 0", f"{COOKBOOK}, 129: (x − a)/‖x − a‖"),
    ("vector_norm", {"p": 1}, "dx[…,d] = dn[…] · sign(x[…,d])", f"{MURPHY}, 11.4"),
    ("pairwise_distance", {}, "dx1[…,k] = dy[…] · d[…,k] / √s[…]   if s[…] > 0, else 0", f"{COOKBOOK}, 129"),
    ("normalize", {}, "dx[a,d,*b] = dy[a,d,*b] / l[a,*b] + (−(y[a,d,*b] / √s[a,*b]) · Σ j  dy[a,j,*b] · y[a,j,*b]",
     "Salimans, Kingma: Weight Normalization (NeurIPS 2016), 3: what is left of dy across y, over the length"),
    ("cosine_similarity", {}, "dx1[a,d,*b] = dy[a,*b] · (x2[a,d,*b] + (−(x1[a,d,*b] / (√s[a,*b] · l1[a,*b])) · "
     "Σ j  x1[a,j,*b] · x2[a,j,*b]", "the quotient rule: (x₂ − x₁ ⟨x₁, x₂⟩/‖x₁‖²)/(‖x₁‖ ‖x₂‖)"),
)  # fmt: skip

LOSSES: tuple[Row, ...] = (
    ("mse_loss", {}, "dx[…] = 2 · dloss · (x[…] − target[…]) / size(…)", f"{BISHOP}, 5.18, twice, over the mean"),
    ("mse_loss", {"reduction": "sum"}, "dx[…] = 2 · dloss · (x[…] − target[…])", f"{BISHOP}, 5.18, twice"),
    ("l1_loss", {"reduction": "sum"}, "dx[…] = dloss · sign(x[…] − target[…])", f"{MURPHY}, 11.6.1"),
    ("smooth_l1_loss", {"reduction": "sum"}, "dd[…] = dloss · d[…] / beta if abs(d[…]) < beta else dloss · sign(d[…])",
     "Girshick: Fast R-CNN (ICCV 2015), 3"),
    ("huber_loss", {"reduction": "sum"}, "dd[…] = dloss · d[…] if abs(d[…]) < delta else delta · dloss · sign(d[…])",
     f"{MURPHY}, 5.1.5"),
    ("cross_entropy", {"weight": None, "reduction": "sum", "ignore_index": -100},
     "dlogits[n,c,…] = dloss · (exp(logp[n,c,…]) − [target[n,…] = c])", f"{BISHOP}, 4.109: y − t"),
    ("nll_loss", {"weight": None, "reduction": "sum"},
     "dx[n,c,…] = −dloss   if target[n,…] ≠ ignore_index, target[n,…] = c, else 0", f"{BISHOP}, 4.108"),
    ("kl_div", {"reduction": "sum"}, "dx[…] = −dloss · target[…]   if target[…] ≠ 0, else 0", f"{MURPHY}, 6.2"),
    ("kl_div", {"reduction": "sum"}, "dtarget[…] = dloss · (1 + log(target[…]) − x[…])   if target[…] ≠ 0, else 0",
     f"{MURPHY}, 6.2"),
    ("binary_cross_entropy", {"weight": None, "reduction": "sum"},
     "dx[…] = (−dloss · target[…] / x[…] if p[…] ≥ −100 and x[…] ≠ 0 else 0) "
     "+ (dloss · (1 − target[…]) / (1 − x[…]) if q[…] ≥ −100 and x[…] ≠ 1 else 0)", f"{BISHOP}, 4.90, by y"),
    ("binary_cross_entropy_with_logits", {"weight": None, "pos_weight": None, "reduction": "sum"},
     "dx[…] = dloss · (sigmoid(x[…]) − target[…])", f"{BISHOP}, 4.91: y − t"),
    ("multilabel_soft_margin_loss", {"weight": None, "reduction": "sum"},
     "dx[…,c] = dloss · (sigmoid(x[…,c]) − target[…,c]) / C", f"{BISHOP}, 4.91, a class at a time"),
    ("soft_margin_loss", {"reduction": "sum"}, "dx[…] = −dloss · target[…] · sigmoid(−x[…] · target[…])",
     f"{BISHOP}, 7.48"),
    ("poisson_nll_loss", {"reduction": "sum"}, "dx[…] = dloss · (exp(x[…]) − target[…])",
     f"{MURPHY}, 12.2.3: mean − count, the canonical link"),
    ("gaussian_nll_loss", {"reduction": "sum"}, "dvar[…] = dloss · (1 − d[…]² / v[…]) / (2 · v[…])",
     "Nix, Weigend: Estimating the mean and variance (ICNN 1994)"),
    ("gaussian_nll_loss", {"reduction": "sum"}, "dx[…] = dloss · d[…] / v[…]", "Nix, Weigend (ICNN 1994)"),
    ("hinge_embedding_loss", {"reduction": "sum"},
     "dx[…] = (dloss if target[…] ≠ −1 else 0) + (−dloss if target[…] ≠ 1 and x[…] ≤ margin else 0)",
     "Hadsell, Chopra, LeCun (CVPR 2006), 4: pull where alike, push within the margin"),
    ("margin_ranking_loss", {"reduction": "sum"}, "dx1[…] = −dloss · target[…]   if d[…] ≥ 0, else 0",
     f"{BISHOP}, 7.44, the hinge"),
    ("triplet_margin_loss", {"reduction": "sum"},
     "dpositive[…,k] = −dloss · d_1[…,k] / √s[…]   if d[…] ≥ 0, s[…] > 0, else 0",
     f"Schroff et al.: FaceNet (CVPR 2015), 2, with {COOKBOOK}, 129"),
)  # fmt: skip

NORMALIZATIONS: tuple[Row, ...] = (
    ("layer_norm", {}, "Σ k  xhat[…,k] = 0", "Ba, Kiros, Hinton: Layer Normalization (2016), 3"),
    ("layer_norm", {"weight": None, "bias": None},
     "dx[…,k] = r[…] · (K · dy[…,k] − Σ j  dy[…,j] − xhat[…,k] · Σ j  dy[…,j] · xhat[…,j]) / K",
     "Ioffe, Szegedy: Batch Normalization (ICML 2015), 3, over one axis"),
    ("layer_norm", {}, "dweight[k] = Σ …  dy[…,k] · xhat[…,k]", "Ioffe, Szegedy (ICML 2015), 3: ∂ℓ/∂γ"),
    ("batch_norm", {"weight": None, "bias": None},
     "dx[n,c,…] = r[c] · (N · size(…) · dy[n,c,…] − Σ j,*p  dy[j,c,*p] "
     "− xhat[n,c,…] · Σ j,*p  dy[j,c,*p] · xhat[j,c,*p]) / (N·size(…))", "Ioffe, Szegedy (ICML 2015), 3"),
    ("batch_norm", {}, "dbias[c] = Σ n,…  dy[n,c,…]", "Ioffe, Szegedy (ICML 2015), 3: ∂ℓ/∂β"),
    ("instance_norm", {"weight": None, "bias": None},
     "dx[n,c,…] = r[n,c] · (size(…) · dy[n,c,…] − Σ *p  dy[n,c,*p] "
     "− xhat[n,c,…] · Σ *p  dy[n,c,*p] · xhat[n,c,*p]) / size(…)", "Ulyanov et al. (2016), with Ioffe, Szegedy, 3"),
    ("rms_norm", {"weight": None}, "dx[…,k] = r[…] · (dy[…,k] − (xhat[…,k] / K) · Σ j  dy[…,j] · xhat[…,j])",
     "Zhang, Sennrich: Root Mean Square Layer Normalization (NeurIPS 2019), 4.2"),
    ("dropout", {}, "dx[…] = dy[…] / (1 − p)   if keep[…], else 0", "Srivastava et al. (JMLR 2014), 5.1"),
)  # fmt: skip

IMAGES: tuple[Row, ...] = (
    ("conv1d", {}, "dx[n,c,l] = Σ f,i  dy[n,f,p] · weight[f,c,i] where  p = (l + padding − i·dilation) / stride",
     f"{GOODFELLOW}, 9.13: h(K, G, s)"),
    ("conv1d", {}, "dweight[f,c,i] = Σ n,p  dy[n,f,p] · x[n,c,l] where  l = i·dilation + p·stride − padding",
     f"{GOODFELLOW}, 9.11: g(G, V, s)"),
    ("conv1d", {}, "dbias[f] = Σ n,p  dy[n,f,p]", f"{BOUVRIE}, 3.1"),
    ("conv2d", {}, "dx[n,c,h,w] = Σ f,i,j  dy[n,f,p,q] · weight[f,c,i,j]", f"{GOODFELLOW}, 9.13"),
    ("conv_transpose1d", {}, "dx[n,c,l] = Σ f,i  dy[n,f,p] · weight[c,f,i] where  p = l·stride + i·dilation − padding",
     "Dumoulin, Visin: A guide to convolution arithmetic (2016), 4: the convolution it is the transpose of"),
    ("avg_pool1d", {}, "dx[…,l] = Σ i  dy[…,p] / kernel_size where  p = (l + padding − i) / stride", f"{BOUVRIE}, 3.2"),
    ("max_pool1d", {}, "dx[…,l] = Σ p  [l = dilation · argmax_y[…,p] + p·stride − padding] · dy[…,p]",
     f"{GOODFELLOW}, 9.3: all of it to the largest"),
    ("pixel_shuffle", {}, "dx[…,[c, i, j],h,w] = dy[…,c,[h, i],[w, j]]", "Shi et al. (CVPR 2016), 4"),
    ("affine_grid", {}, "dtheta[n,d,2] = Σ p,q  dgrid[n,p,q,d]",
     "Jaderberg et al.: Spatial Transformers (NeurIPS 2015), 1"),
)  # fmt: skip

SEQUENCES: tuple[Row, ...] = (
    ("rnn", {}, "da[t,n,k] = dh_1[t,n,k] · (1 − h[t,n,k]²)", f"{GOODFELLOW}, 10.21: diag(1 − h²)"),
    ("rnn", {}, "dweight_hh[k,l] = Σ t,n  da[t,n,k] · h[t − 1,n,l]", f"{GOODFELLOW}, 10.26"),
    ("rnn", {}, "dweight_ih[k,i] = Σ t,n  da[t,n,k] · x[t,n,i]", f"{GOODFELLOW}, 10.28"),
    ("rnn_tanh_cell", {}, "dx[n,i] = Σ k  dh[n,k] · w_ih[k,i] · (1 − h[n,k]²)", f"{GRAVES}, 3.2.2"),
    ("lstm", {}, "da[t,n,[0, k]] = dc[t,n,k] · i[t,n,k] · g[t,n,k] · (1 − i[t,n,k])", f"{GREFF}: δi"),
    ("lstm", {}, "da[t,n,[1, k]] = dc[t,n,k] · c[t − 1,n,k] · f[t,n,k] · (1 − f[t,n,k])", f"{GREFF}: δf"),
    ("lstm", {}, "da[t,n,[2, k]] = dc[t,n,k] · i[t,n,k] · (1 − g[t,n,k]²)", f"{GREFF}: δz"),
    ("lstm", {}, "da[t,n,[3, k]] = o[t,n,k] · dh_1[t,n,k] · tanh(c[t,n,k]) · (1 − o[t,n,k])", f"{GREFF}: δo"),
    ("lstm", {}, "dc[t,n,k] = (dc[t + 1,n,k] · f[t + 1,n,k] if t + 1 < T else 0) "
     "+ (o[t,n,k] · dh_1[t,n,k] · (1 − tanh(c[t,n,k])²) if t ≥ 0 else 0)", f"{GREFF}: δc"),
    ("lstm", {}, "dweight_hh[[s, k],l] = Σ t,n  da[t,n,[s, k]] · h[t − 1,n,l]", f"{GREFF}: δR"),
    ("lstm_cell", {}, "dcx[n,k] = f[n,k] · dc_1[n,k]", f"{GREFF}: the carousel"),
    ("gru_cell", {}, "da[n,[2, k]] = dh[n,k] · (1 − z[n,k]) · (1 − c[n,k]²)",
     "Cho et al. (EMNLP 2014), 7 and 8, the chain rule"),
    ("gru_cell", {}, "da[n,[1, k]] = dh[n,k] · z[n,k] · (1 − z[n,k]) · (hx[n,k] − c[n,k])",
     "Cho et al. (EMNLP 2014), 7"),
    ("scaled_dot_product_attention", {"keep": None, "attn_mask": None},
     "da[…,l,s] = p[…,l,s] · (dp[…,l,s] − Σ u  dp[…,l,u] · p[…,l,u])", f"{DAO}: dS = P ∘ (dP − D)"),
    ("scaled_dot_product_attention", {"keep": None, "attn_mask": None}, "dp[…,l,s] = Σ v  dy[…,l,v] · value[…,s,v]",
     f"{DAO}: dP = dO Vᵀ"),
    ("scaled_dot_product_attention", {"keep": None, "attn_mask": None}, "dvalue[…,s,v] = Σ l  dy[…,l,v] · p[…,l,s]",
     f"{DAO}: dV = Pᵀ dO"),
    ("scaled_dot_product_attention", {"keep": None, "attn_mask": None},
     "dquery[…,l,d] = Σ s  c · da[…,l,s] · key[…,s,d]",
     f"{DAO}: dQ = dS K"),
    ("scaled_dot_product_attention", {"keep": None, "attn_mask": None},
     "dkey[…,s,d] = Σ l  c · da[…,l,s] · query[…,l,d]",
     f"{DAO}: dK = dSᵀ Q"),
    ("grouped_query_attention", {"keep": None, "attn_mask": None}, "dkey[…,h,s,e] = Σ g  dk[…,[h, g],s,e]",
     "Ainslie et al.: GQA (EMNLP 2023), 2.2: the heads of a group added up"),
    ("multi_head_attention", {"num_heads": 2, "keep": None, "bias_k": None, "bias_v": None},
     "dz[n,h,l,d] = Σ o  dy[l,n,o] · out_proj_weight[o,[h, d]]", "Vaswani et al. (NeurIPS 2017), 3.2.2"),
)  # fmt: skip

FORMS: tuple[Row, ...] = (*ACTIVATIONS, *LINEAR, *LOSSES, *NORMALIZATIONS, *IMAGES, *SEQUENCES)
