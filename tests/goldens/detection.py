"""What torchvision answers for boxes and regions."""

import itertools

import torch
import torchvision
from golden_file import Golden, f32

ops = torchvision.ops


def boxes_of(count, whole):
    """Boxes of which many overlap; with whole corners overlaps meet a threshold exactly."""
    corner = torch.rand(count, 2) * 12
    size = torch.rand(count, 2) * 8 + 1
    boxes = torch.cat([corner, corner + size], 1)
    return boxes.round() if whole else boxes


def kept(boxes, scores, classes, threshold):
    """The places that torchvision keeps, best first, and of equal scores the lower place first."""
    every = torch.zeros(len(boxes), dtype=torch.bool)
    for one in classes.unique():
        if one >= 0:
            own = torch.where(classes == one)[0]
            every[own[ops.nms(boxes[own], scores[own], threshold)]] = True
    order = scores.sort(descending=True, stable=True)[1]
    return order[every[order]]


def suppression(golden):
    counts, images = [1, 5, 31, 32, 33, 64], 6
    for count, whole, threshold in itertools.product(counts, [False, True], [0.25, 0.5, 0.7]):
        # On the CPU an overlap of float32 is compared with a double, which lies beside it.
        threshold = f32(threshold)
        boxes = torch.stack([boxes_of(count, whole) for _ in range(images)])
        scores = torch.rand(images, count)
        scores = (scores * 10).round() / 10 if whole else scores
        # Every image with more classes than the one before, from one on; −1 is no box.
        classes = torch.stack([torch.randint(-1 if at % 3 == 2 else 0, at // 3 + 1, (count,)) for at in range(images)])
        classes[::4] = 0
        places = torch.full((images, count), -1)
        for at in range(images):
            found = kept(boxes[at], scores[at], classes[at], threshold)
            places[at, : len(found)] = found
            if (classes[at] >= 0).all():
                batched = ops.boxes._batched_nms_vanilla(boxes[at], scores[at], classes[at], threshold)
                assert torch.equal(batched.sort()[0], found.sort()[0])
        case = f"nms_{count}_{'whole' if whole else 'any'}_{threshold:.2f}"
        golden.case(case, "nms", {"iou_threshold": threshold})
        golden.add(case, {"boxes": boxes, "scores": scores, "classes": classes, "places": places})


REGIONS = torch.tensor(
    [
        [0, 1.5, 2.25, 7.75, 6.5],
        [1, 0, 0, 10, 8],
        [0, 3, 3, 3, 3],  # nothing
        [1, 6, 5, 2, 1],  # the wrong way round
        [0, -4, -3, 2, 2],
        [1, 7, 5, 30, 40],
        [0, 50, 60, 70, 80],  # outside
        [1, -400, -300, 500, 600],  # huge
        [0, 2.1, 3.3, 2.4, 3.35],  # small
        [1, 9.9, 7.9, 11, 9],
    ]
)


def regions(count):
    image = torch.randint(0, 2, (count, 1)).float()
    corner = torch.rand(count, 2) * torch.tensor([16.0, 12.0]) - 3
    return torch.cat([image, corner, corner + torch.rand(count, 2) * 12 - 1], 1)


def leaf(tensor):
    return tensor.clone().requires_grad_(True)


def align(golden):
    few = list(itertools.product([(1, 1), (2, 3)], [1.0, 0.5], [0, 1, 2, 3], [False, True]))
    more = list(itertools.product([(5, 4)], [1.0], [0, 2], [False, True]))
    for at, (output, scale, ratio, aligned) in enumerate(few + more):
        x = leaf(torch.randn(2, [3, 4][at % 4 // 2], 9, 11).double())
        rois = torch.cat([REGIONS, regions(4)])
        rois[:, 1:] /= scale
        y = ops.roi_align(x, rois.double(), output, scale, ratio, aligned)
        grad_y = torch.randn(y.shape).double()
        case = f"roi_align_{output[0]}x{output[1]}_{scale}_{ratio}{'_aligned' if aligned else ''}"
        golden.case(case, "roi_align", {"output": output, "spatial_scale": scale, "sampling_ratio": ratio, "aligned": aligned})
        (grad_x,) = torch.autograd.grad(y, x, grad_y)
        golden.add(case, {"x": x, "rois": rois, "y": y, "grad_y": grad_y, "grad_x": grad_x})


def pool(golden):
    for at, (output, scale) in enumerate(itertools.product([(1, 1), (2, 3), (7, 6)], [1.0, 0.5])):
        # No two alike, so that each maximum has one place; in f32, as the windows' bounds are rounded there.
        x = leaf(torch.randperm(2 * [3, 4][at % 2] * 99).reshape(2, -1, 9, 11).float())
        rois = torch.cat([REGIONS, regions(6)])
        rois[:, 1:] /= scale
        y, indices = torch.ops.torchvision.roi_pool(x, rois, scale, *output)
        grad_y = torch.randn(y.shape)
        case = f"roi_pool_{output[0]}x{output[1]}_{scale}"
        golden.case(case, "roi_pool", {"output": output, "spatial_scale": scale})
        (grad_x,) = torch.autograd.grad(y, x, grad_y)
        golden.add(case, {"x": x, "rois": rois, "y": y, "indices": indices, "grad_y": grad_y, "grad_x": grad_x})


def detection():
    golden = Golden("detection")
    suppression(golden)
    align(golden)
    pool(golden)
    golden.save()
