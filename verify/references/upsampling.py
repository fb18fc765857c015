"""torch's own operation: finer and coarser grids."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor as Array

from derive.verify.references.form import Hypers, Inputs, Reference

_WORDS = {"linear": "bilinear", "cubic": "bicubic", "lanczos": "lanczos"}


def _resampled(name: str, rank: int) -> Reference:
    """torch._C._nn's operation over the last axes, all others one."""
    function = getattr(torch._C._nn, name)

    def call(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
        x, scales = inputs["x"], hypers["scale_factors"]
        plane = x.reshape(1, -1, *x.shape[x.ndim - rank :])
        more = (hypers["align_corners"],) if "align_corners" in hypers else ()
        size = hypers["output_size"]
        sizes = list(size) if isinstance(size, tuple) else [size]
        scales = (scales,) if isinstance(scales, float) else scales
        if scales is not None and any(int(n * s) != m for n, s, m in zip(plane.shape[2:], scales, sizes, strict=True)):
            raise ValueError("its shortcuts go by the sizes where sizes and scales disagree")
        y = function(plane, sizes, *more, *(scales or (None,) * rank))
        return (y.reshape(*x.shape[: x.ndim - rank], *y.shape[2:]),)

    return call


def _antialias_weight(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
    d, kernel = inputs["d"], hypers["kernel"]
    if kernel == "linear":
        return (torch.where(d < 1, 1 - d, 0),)
    if kernel == "lanczos":
        return (torch.where(d < 3, torch.sinc(d) * torch.sinc(d / 3), 0),)
    near, far = 1.5 * d**3 - 2.5 * d**2 + 1, -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
    return (torch.where(d <= 1, near, torch.where(d < 2, far, 0)),)


def _along(kind: Callable[[Hypers], str]) -> Reference:
    """One axis, by torch's operation on grids whose other axes are two equal lines, kept."""

    def call(inputs: Inputs, hypers: Hypers) -> tuple[Array, ...]:
        name = kind(hypers)
        x, scale, rank = inputs["x"].movedim(hypers["dim"], -1), hypers["scale"], int(name.removesuffix("_aa")[-2])
        more = (hypers["align_corners"],) if "align_corners" in hypers else ()
        grid = x.reshape(1, -1, x.shape[-1], *(1,) * (rank - 1)).repeat(1, 1, 1, *(2,) * (rank - 1))
        scales = (None,) * rank if scale is None else (scale, *(1.0,) * (rank - 1))
        y = getattr(torch._C._nn, name)(grid, [hypers["size"], *(2,) * (rank - 1)], *more, *scales)
        line = y.flatten(3)[..., 0] if rank > 1 else y
        return (line.reshape(*x.shape[:-1], -1).movedim(-1, hypers["dim"]),)

    return call


def _nearest(hypers: Hypers) -> str:
    return "_upsample_nearest_exact1d" if hypers["exact"] else f"upsample_nearest{2 if hypers['snap'] else 1}d"


REFERENCES: dict[str, Reference] = {
    **{
        name.strip("_"): _resampled(name, int(name.removesuffix("_aa")[-2]))
        for name in (
            "upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "_upsample_nearest_exact1d",
            "_upsample_nearest_exact2d", "_upsample_nearest_exact3d", "upsample_linear1d", "upsample_bilinear2d",
            "upsample_trilinear3d", "upsample_bicubic2d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa",
            "_upsample_lanczos2d_aa",
        )
    },
    "resample_nearest": _along(_nearest),
    "resample_linear": _along(lambda _: "upsample_linear1d"),
    "resample_cubic": _along(lambda _: "upsample_bicubic2d"),
    "resample_antialias": _along(lambda h: f"_upsample_{_WORDS[h['kernel']]}2d_aa"),
    "antialias_weight": _antialias_weight,
}  # fmt: skip
