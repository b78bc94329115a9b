"""Networks that segment, with weights that both sides compute from the tensors' names, as resnets.py has it.

FCN, DeepLabV3 and LR-ASPP are torchvision's own. torchvision has no U-Net and no DeepLabV3+, so the modules here are what
crates/zoo is held to; `UNetBn` has the names of the `Pytorch-UNet` that PyTorch Hub knows as `unet_carvana`, `UNetResNet`
those of `segmentation_models_pytorch`.
"""

import numpy
import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torchvision.models.segmentation.deeplabv3 import ASPP

import resnets
from golden_file import Golden
from resnets import EVAL_BIAS, KINK_MARGIN, TRAIN_BIAS, digest, uniform

CLASSES = 3
IGNORED = 255


def double(inputs, outputs, padding=0, norm=False):
    """Two 3×3 convolutions with ReLUs, as a list."""
    layers = []
    for width in (inputs, outputs):
        layers.append(nn.Conv2d(width, outputs, 3, padding=padding, bias=not norm))
        layers += [nn.BatchNorm2d(outputs)] if norm else []
        layers.append(nn.ReLU())
    return layers


def middle(x, like):
    """The middle of x with the height and width of another map."""
    top, left = ((x.shape[axis] - like.shape[axis]) // 2 for axis in (2, 3))
    return x[:, :, top : top + like.shape[2], left : left + like.shape[3]]


class Stage(nn.Module):
    def __init__(self, inputs, outputs, up=False):
        super().__init__()
        if up:
            self.up = nn.ConvTranspose2d(inputs, outputs, 2, 2)
        self.conv1, self.relu1, self.conv2, self.relu2 = double(inputs, outputs)

    def forward(self, x, beside=None):
        if beside is not None:
            x = self.up(x)
            x = torch.cat([middle(beside, x), x], 1)
        return self.relu2(self.conv2(self.relu1(self.conv1(x))))


class UNet(nn.Module):
    """Ronneberger et al., arXiv 1505.04597, in evaluation: convolutions without padding."""

    def __init__(self, width=64, channels=1, classes=CLASSES):
        super().__init__()
        widths = [channels] + [width << stage for stage in range(5)]
        self.down = nn.ModuleList(Stage(*pair) for pair in zip(widths, widths[1:]))
        self.up = nn.ModuleList(Stage(2 * w, w, up=True) for w in widths[-2:0:-1])
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, x):
        maps = []
        for at, stage in enumerate(self.down):
            maps.append(stage(F.max_pool2d(x, 2) if at else x))
            x = maps[-1]
        for stage, beside in zip(self.up, maps[-2::-1]):
            x = stage(x, beside)
        return self.head(x)


class Mirrored(UNet):
    """The same on an image that is mirrored at its ends, so that the output has the image's size."""

    def forward(self, x):
        sizes = x.shape[2:]
        lost, padding = 184, [(0, 0), (0, 0)]
        for size in sizes:
            # Outputs have 4 + 16 k pixels.
            longer = 4 + 16 * -(-max(size - 4, 0) // 16)
            padding.append((lost // 2, longer - size + lost // 2))
        x = torch.from_numpy(numpy.pad(x.numpy(), padding, mode="reflect"))
        return super().forward(x)[:, :, : sizes[0], : sizes[1]]


class DoubleConv(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.double_conv = nn.Sequential(*double(inputs, outputs, 1, True))

    def forward(self, x):
        return self.double_conv(x)


class Down(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), DoubleConv(inputs, outputs))

    def forward(self, x):
        return self.maxpool_conv(x)


class Up(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.up = nn.ConvTranspose2d(inputs, outputs, 2, 2)
        self.conv = DoubleConv(inputs, outputs)

    def forward(self, x, beside):
        x = self.up(x)
        high, wide = (beside.shape[axis] - x.shape[axis] for axis in (2, 3))
        x = F.pad(x, [wide // 2, wide - wide // 2, high // 2, high - high // 2])
        return self.conv(torch.cat([beside, x], 1))


class Head(nn.Module):
    def __init__(self, inputs, classes):
        super().__init__()
        self.conv = nn.Conv2d(inputs, classes, 1)

    def forward(self, x):
        return self.conv(x)


class UNetBn(nn.Module):
    """With padding and batch normalisation."""

    def __init__(self, width=64, channels=3, classes=CLASSES):
        super().__init__()
        self.inc = DoubleConv(channels, width)
        for at in range(4):
            setattr(self, f"down{at + 1}", Down(width << at, width << at + 1))
        for at in range(4):
            setattr(self, f"up{at + 1}", Up(width << 4 - at, width << 3 - at))
        self.outc = Head(width, classes)

    def forward(self, x):
        maps = [self.inc(x)]
        for at in range(4):
            maps.append(getattr(self, f"down{at + 1}")(maps[-1]))
        x = maps.pop()
        for at in range(4):
            x = getattr(self, f"up{at + 1}")(x, maps.pop())
        return self.outc(x)


class Grown(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        layers = double(inputs, outputs, 1, True)
        self.conv1, self.conv2 = nn.Sequential(*layers[:3]), nn.Sequential(*layers[3:])

    def forward(self, x):
        return self.conv2(self.conv1(x))


class UNetResNet(nn.Module):
    """With a ResNet as the contracting path; enlarged by nearest pixels to the very size of the map beside."""

    def __init__(self, depth, classes=CLASSES):
        super().__init__()
        self.encoder = getattr(torchvision.models, f"resnet{depth}")()
        del self.encoder.fc
        self.decoder = nn.Module()
        widths = [512, 256, 128, 64, 32, 16]
        beside = [256, 128, 64, 64, 0]
        self.decoder.blocks = nn.ModuleList(Grown(a + b, c) for a, b, c in zip(widths, beside, widths[1:]))
        self.segmentation_head = nn.Sequential(nn.Conv2d(16, classes, 3, padding=1))

    def forward(self, x):
        body, maps = self.encoder, [x]
        maps.append(body.relu(body.bn1(body.conv1(x))))
        x = body.maxpool(maps[-1])
        for layer in (body.layer1, body.layer2, body.layer3, body.layer4):
            x = layer(x)
            maps.append(x)
        maps.pop()
        for at, block in enumerate(self.decoder.blocks):
            beside = maps.pop()
            x = F.interpolate(x, size=beside.shape[2:], mode="nearest")
            x = block(torch.cat([x, beside], 1) if at < 4 else x)
        return self.segmentation_head(x)


class DeepLabV3Plus(nn.Module):
    """Chen et al., arXiv 1802.02611, on a ResNet-50 that leaves a sixteenth of the size."""

    def __init__(self, classes=CLASSES):
        super().__init__()
        dilated = [False, False, True]
        body = torchvision.models.resnet50(replace_stride_with_dilation=dilated)
        layers = {"layer1": "low", "layer4": "high"}
        self.backbone = torchvision.models._utils.IntermediateLayerGetter(body, layers)
        self.classifier = nn.Module()
        self.classifier.low = nn.Sequential(nn.Conv2d(256, 48, 1, bias=False), nn.BatchNorm2d(48), nn.ReLU())
        self.classifier.aspp = ASPP(2048, [6, 12, 18])
        self.classifier.fuse = nn.Sequential(*double(256 + 48, 256, 1, True))
        self.classifier.head = nn.Conv2d(256, classes, 1)

    def forward(self, x):
        maps, heads = self.backbone(x), self.classifier
        low = maps["low"]
        rich = F.interpolate(heads.aspp(maps["high"]), low.shape[2:], mode="bilinear", align_corners=False)
        y = heads.head(heads.fuse(torch.cat([rich, heads.low(low)], 1)))
        return {"out": F.interpolate(y, x.shape[2:], mode="bilinear", align_corners=False)}


def torchvisions(name, auxiliary):
    make = getattr(torchvision.models.segmentation, name)
    options = {} if name.startswith("lraspp") else {"aux_loss": auxiliary}
    return make(num_classes=CLASSES, weights_backbone=None, **options)


MAKERS = {
    "unet": UNet,
    "unet_bn": UNetBn,
    "unet_resnet18": lambda: UNetResNet(18),
    "unet_resnet34": lambda: UNetResNet(34),
    "deeplabv3plus_resnet50": DeepLabV3Plus,
}


def plain(name, auxiliary=False):
    """The network as it is made."""
    return MAKERS[name]() if name in MAKERS else torchvisions(name, auxiliary)


def filled(model, bias, dtype):
    """The network with the numbers that its tensors' names give."""
    state = model.state_dict()
    for name, tensor in state.items():
        if tensor.is_floating_point():
            state[name] = uniform(name, tensor.shape, *resnets.value_range(name, tensor.shape, bias))
    model.load_state_dict(state)
    return model.to(dtype)


def outputs(model, x):
    y = model(x)
    return dict(y) if isinstance(y, dict) else {"output": y}


def about(model):
    """What a case says of a state dict."""
    return {"digest": digest(model), "parameters": sum(parameter.numel() for parameter in model.parameters())}


def eval_case(golden, case, parameters, make, shape):
    with torch.no_grad():
        x = resnets.images(shape)
        exact = outputs(filled(make(), EVAL_BIAS, torch.float64).eval(), x.double())
        single = outputs(filled(make(), EVAL_BIAS, torch.float32).eval(), x)
    note = max(((single[name].double() - y).abs().max() / y.abs().max()).item() for name, y in exact.items())
    golden.case(case, "segmentation", {**parameters, "shape": shape, **about(make()), "float32_against_float64": note})
    golden.add(case, exact)
    print(case, note)


def labels(shape):
    """Classes of pixels, a tenth of which are to be ignored."""
    count = shape[0] * shape[2] * shape[3]
    classes = numpy.floor(uniform("labels", (count,), 0, CLASSES).numpy()).astype(numpy.int64)
    classes[uniform("ignored", (count,), 0, 1).numpy() < 0.1] = IGNORED
    return torch.from_numpy(classes.reshape(shape[0], *shape[2:]))


def margins(model):
    """A list that gets how near the inputs of each activation come to where its derivative jumps."""
    nearest = []

    def watch(places):
        def hook(_, inputs, __):
            nearest.append(min((inputs[0] - place).abs().min().item() for place in places))

        return hook

    for module in model.modules():
        if isinstance(module, (nn.ReLU, nn.Hardswish, nn.Hardsigmoid)):
            module.inplace = False
            module.register_forward_hook(watch([0] if isinstance(module, nn.ReLU) else [-3, 3]))
    return nearest


def images_off_the_kinks(make, shape):
    """The name of the first images for which no input of an activation is within KINK_MARGIN of its kinks."""
    model = filled(make(), TRAIN_BIAS, torch.float64).train()
    nearest = margins(model)
    for seed in range(1000):
        nearest.clear()
        with torch.no_grad():
            model(resnets.images(shape, f"images/{seed}").double())
        if min(nearest) > KINK_MARGIN:
            return f"images/{seed}"
    raise AssertionError(f"no images of {shape} keep off the kinks")


def gradients(make, shape, images, dtype):
    """The loss, half of an auxiliary one added, and of each parameter's gradient its norm and a product (resnets.py)."""
    model = filled(make(), TRAIN_BIAS, dtype).train()
    target = labels(shape)
    found = list(outputs(model, resnets.images(shape, images).to(dtype)).values())
    losses = [F.cross_entropy(logits, target, ignore_index=IGNORED) for logits in found]
    loss = losses[0] + sum(0.5 * loss for loss in losses[1:])
    loss.backward()
    norms, products = [], []
    for name, parameter in sorted(model.named_parameters()):
        direction = uniform("direction/" + name, parameter.shape, -1.0, 1.0).double()
        gradient = parameter.grad.double()
        norms.append(gradient.norm())
        products.append((gradient * direction).sum() / direction.norm())
    return loss, torch.stack(norms), torch.stack(products)


def without_dropping(model):
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return model


def gradient_case(golden, case, parameters, make, shape):
    images = images_off_the_kinks(make, shape)
    loss, norms, products = gradients(make, shape, images, torch.float64)
    single = gradients(make, shape, images, torch.float32)
    # A shift that a normalisation takes away again has the gradient 0, of which the last bits are left here.
    some = norms > 1e-12
    note = ((single[2] - products) / norms)[some].abs().max().item()
    golden.case(case, "segmentation", {**parameters, "shape": shape, "images": images, "float32_against_float64": note})
    golden.add(case, {"loss": loss, "norms": norms, "products": products})
    print(case, images, note)


def segmentation():
    golden = Golden("segmentation")
    # Narrow ones are as good to compare; the wide ones are held by their names and shapes.
    narrow = {"width": 8, "classes": CLASSES}
    for mirrored, shapes in [(0, [(1, 1, 204, 188)]), (1, [(2, 1, 37, 21), (1, 1, 4, 1)])]:
        make = lambda: (Mirrored if mirrored else UNet)(width=8)
        for shape in shapes:
            case = f"narrow_unet_{shape[2]}x{shape[3]}"
            eval_case(golden, case, {"network": "unet", "mirrored": mirrored, **narrow}, make, shape)
    for shape in [(2, 3, 32, 48), (1, 3, 37, 21)]:
        case = f"narrow_unet_bn_{shape[2]}x{shape[3]}"
        eval_case(golden, case, {"network": "unet_bn", **narrow}, lambda: UNetBn(width=8), shape)
    for name in ["unet", "unet_bn"]:
        golden.case(f"names_{name}", "segmentation", {"network": name, "auxiliary": 0, **about(plain(name))})
    odd, even = (1, 3, 33, 47), (1, 3, 32, 24)
    for name, auxiliary, shapes in [
        ("unet_resnet18", 0, [(1, 3, 32, 64), odd]),
        ("unet_resnet34", 0, [odd]),
        ("fcn_resnet50", 1, [even, odd]),
        ("fcn_resnet101", 0, [even]),
        ("deeplabv3_resnet50", 0, [even, odd]),
        ("deeplabv3_resnet101", 1, [even]),
        ("deeplabv3_mobilenet_v3_large", 1, [even, odd, (1, 3, 1, 1)]),
        ("deeplabv3plus_resnet50", 0, [even, odd]),
        ("lraspp_mobilenet_v3_large", 0, [even, odd]),
    ]:
        for shape in shapes:
            case = f"eval_{name}_{shape[2]}x{shape[3]}"
            parameters = {"network": name, "auxiliary": auxiliary}
            eval_case(golden, case, parameters, lambda: plain(name, bool(auxiliary)), shape)
    make = lambda: UNetBn(width=8)
    gradient_case(golden, "narrow_gradients_unet_bn", {"network": "unet_bn", **narrow}, make, (2, 3, 37, 22))
    name = "deeplabv3_mobilenet_v3_large"
    make = lambda: without_dropping(plain(name, True))
    gradient_case(golden, f"gradients_{name}", {"network": name, "auxiliary": 1}, make, (4, 3, 33, 41))
    golden.save()
