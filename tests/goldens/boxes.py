"""What torchvision computes of boxes, in f64: the golden file of tests/detection/boxes.rs."""

import torch
import torchvision
from golden_file import Golden
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList

ops = torchvision.ops


def some(count):
    corner = torch.rand(count, 2) * 10
    return torch.cat([corner, corner + torch.rand(count, 2) * 6 + 0.5], 1).double()


def boxes():
    golden = Golden("boxes")

    def case(name, op, parameters, leaves, function):
        """Stores the operands, y, a random grad_y and the gradient of each leaf."""
        leaves = {role: tensor.clone().requires_grad_(True) for role, tensor in leaves.items()}
        golden.case(name, op, parameters)
        golden.add(name, leaves)
        y = function(*leaves.values())
        grad_y = torch.randn(y.shape).double()
        golden.add(name, {"y": y, "grad_y": grad_y})
        gradients = torch.autograd.grad(y, list(leaves.values()), grad_y)
        golden.add(name, {"grad_" + role: gradient for role, gradient in zip(leaves, gradients)})

    case("box_area", "box_area", {}, {"a": some(5)}, lambda a: ops.box_area(a))
    for op in ["box_iou", "generalized_box_iou", "distance_box_iou", "complete_box_iou"]:
        case(op, op, {}, {"a": some(6), "b": some(5)}, getattr(ops, op))
    for op in ["generalized_box_iou_loss", "distance_box_iou_loss", "complete_box_iou_loss"]:
        for reduction in ["none", "mean", "sum"]:
            function = lambda a, b: getattr(ops, op)(a, b, reduction=reduction, eps=1e-7)
            case(f"{op}_{reduction}", op, {"reduction": reduction}, {"a": some(9), "b": some(9)}, function)
    for weights in [(1.0, 1.0, 1.0, 1.0), (10.0, 10.0, 5.0, 5.0)]:
        coder = BoxCoder(weights)
        parameters, name = {"weights": weights}, str(int(weights[0]))
        case("box_encode_" + name, "box_encode", parameters, {"a": some(7), "b": some(7)}, coder.encode_single)
        offsets = torch.randn(7, 12).double() * weights[0] * 0.5
        # Beyond the clip, which lets no gradient through.
        offsets[0, 2], offsets[1, 7] = 9.0 * weights[2], 5.0 * weights[3]
        decode = lambda a, b: coder.decode_single(a, b).reshape(7, 3, 4)
        case("box_decode_" + name, "box_decode", parameters, {"a": offsets, "b": some(7)}, decode)
    clip = lambda a: ops.clip_boxes_to_image(a, (9, 8))
    case("clip", "clip_boxes_to_image", {"size": [9, 8]}, {"a": some(12) * 1.4 - 3}, clip)

    sizes, ratios = ((32.0, 45.25), (64.0,), (7.0, 9.0, 128.0)), ((0.5, 1.0, 2.0), (1.0,), (0.3, 3.0))
    image, grids = [75, 100], [[5, 7], [3, 3], [1, 2]]
    maps = [torch.zeros(1, 1, *grid) for grid in grids]
    made = AnchorGenerator(sizes, ratios)(ImageList(torch.zeros(1, 3, *image), [tuple(image)]), maps)
    golden.case("anchors", "anchors", {"sizes": sizes, "ratios": ratios, "image": image, "grids": grids})
    golden.add("anchors", {"y": made[0]})
    golden.save()
