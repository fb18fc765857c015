"""What torch.nn has and derive.nn has not, each with the reason; data, held complete by a test."""

from __future__ import annotations

#: class of torch.nn → why there is none here.
UNSUPPORTED: dict[str, str] = {
    "AdaptiveLogSoftmaxWithLoss": "it sorts the rows of a batch into clusters, whose sizes depend on the data",
    "DataParallel": "torch has retired it in favour of DistributedDataParallel, which takes any module",
}
