"""What PyTorch's forward hook finds at every module of a network, two numbers each (tests/zoo/features.rs).

Of each family one network; weights and images are computed on both sides, as zoo.py has it. A hook keeps a copy: the next
module, if it works in place, writes over the tensor that the hook was given, as ReLUs behind normalisations do.
"""

import torch
import torchvision
from torch import nn

import resnets
import segmentation
import zoo
from golden_file import Golden
from resnets import uniform

# Modules without parameters that are held; the others (activations, dropout) are fused with what is in front of them.
BARE = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, torchvision.ops.Permute)

# Of images with odd heights and widths.
ZOO = {
    "resnet18": (1, 3, 35, 51),
    "vgg11": (1, 3, 39, 65),
    "vgg11_bn": (1, 3, 39, 65),
    "alexnet": (1, 3, 63, 75),
    "squeezenet1_1": (1, 3, 45, 67),
    "googlenet": (1, 3, 45, 67),
    "densenet121": (1, 3, 45, 67),
    "mobilenet_v2": (1, 3, 45, 67),
    "mobilenet_v3_small": (1, 3, 45, 67),
    "shufflenet_v2_x0_5": (1, 3, 45, 67),
    "efficientnet_b0": (1, 3, 45, 67),
    "convnext_tiny": (1, 3, 45, 67),
    "seresnet50": (1, 3, 35, 51),
    "ecaresnet50": (1, 3, 35, 51),
    "cbam_resnet50": (1, 3, 35, 51),
}
WIDTH = 8
PIXELS = {
    "unet": (1, 1, 37, 21),
    "unet_bn": (1, 3, 37, 21),
    "unet_resnet18": (1, 3, 33, 47),
    "fcn_resnet50": (1, 3, 33, 47),
    "deeplabv3_mobilenet_v3_large": (1, 3, 33, 47),
    "deeplabv3plus_resnet50": (1, 3, 33, 47),
    "lraspp_mobilenet_v3_large": (1, 3, 33, 47),
}


def hooked(model, x):
    """Each module's output by its path, in the order in which they were first given; of several runs the last."""
    found = {}

    def keep(path):
        def hook(_, __, output):
            # The backbones of segmentation networks give dictionaries.
            if isinstance(output, torch.Tensor):
                found[path] = output.detach().clone()

        return hook

    modules = [(path, module) for path, module in model.named_modules() if path]
    held = [(path, module) for path, module in modules if module.state_dict() or isinstance(module, BARE)]
    # timm's mean over the image has a name of its own; here it is `avgpool` in every ResNet.
    held = [(path, module) for path, module in held if path != "global_pool.pool"]
    hooks = [module.register_forward_hook(keep(path)) for path, module in held]
    with torch.no_grad():
        model(x)
    for hook in hooks:
        hook.remove()
    return found


def plain(name):
    """The network as its library makes it; U-Net in a narrow form, which has the same modules."""
    if name in ZOO:
        return zoo.plain(name, zoo.CLASSES)
    if name == "unet":
        return segmentation.Mirrored(width=WIDTH)
    if name == "unet_bn":
        return segmentation.UNetBn(width=WIDTH)
    return segmentation.plain(name, name.startswith(("fcn", "deeplabv3_")))


def filled(name, norm):
    """The network with the numbers that its tensors' names give, as in zoo.py."""
    model = plain(name)
    state = model.state_dict()
    for key, tensor in state.items():
        if tensor.is_floating_point():
            state[key] = zoo.filled(key, tensor.shape, *zoo.value_range(key, tensor.shape, norm, zoo.EVAL_BIAS))
    model.load_state_dict(state)
    return model.eval()


def features():
    golden = Golden("features")
    for name, shape in [*ZOO.items(), *PIXELS.items()]:
        norm = zoo.NORMS.get(name, zoo.NORM)
        model, x = filled(name, norm), resnets.images(shape)
        single = hooked(model, x)
        exact = hooked(model.double(), x.double())
        numbers, off = [], 0.0
        for path, value in exact.items():
            direction = uniform("direction/" + path, value.shape, -1.0, 1.0).double()
            # The length, and the product with a direction of random numbers: another one for other places of the same numbers.
            numbers.append(torch.stack([value.norm(), (value * direction).sum() / direction.norm()]))
            off = max(off, ((single[path].double() - value).norm() / value.norm()).item())
        shapes = [list(value.shape) for value in exact.values()]
        about = {"shape": shape, "norm": norm, "paths": list(exact), "shapes": shapes}
        golden.case(name, "features", {**about, "float32_against_float64": off})
        golden.add(name, {"numbers": torch.stack(numbers)})
        print(name, len(exact), off, flush=True)
    golden.save()


if __name__ == "__main__":
    features()
