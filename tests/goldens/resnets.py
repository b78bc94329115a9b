"""torchvision's ResNets with weights that both sides compute: the files hold what comes out, not 60 million numbers.

A number is a hash of its tensor's name and its index, so that the reader (tests/zoo/resnets.rs) makes the same bits.
"""

import numpy
import torch
import torch.nn.functional as F
import torchvision

from golden_file import Golden

CLASSES = 10
# In training mode the normalised values are shifted, which leaves few inputs of a ReLU near 0, and the images are the first
# for which none comes nearer than the margin: networks.py says why. Sums in float32 are off by some 1e-6.
EVAL_BIAS, TRAIN_BIAS = (-0.25, 0.25), (0.0, 1.0)
KINK_MARGIN = 1e-5


def fnv1a(text):
    """The FNV-1a hash of 64 bits."""
    hashed = 0xCBF29CE484222325
    for byte in text.encode():
        hashed = (hashed ^ byte) * 0x100000001B3 & (1 << 64) - 1
    return hashed


def unit(name, count):
    """`count` numbers in [0, 1) with 24 bits: MurmurHash3's finaliser of the name's hash and the index."""
    x = numpy.arange(count, dtype=numpy.uint32) * numpy.uint32(0x9E3779B9) + numpy.uint32(fnv1a(name) & 0xFFFFFFFF)
    x ^= x >> numpy.uint32(16)
    x *= numpy.uint32(0x85EBCA6B)
    x ^= x >> numpy.uint32(13)
    x *= numpy.uint32(0xC2B2AE35)
    x ^= x >> numpy.uint32(16)
    return (x >> numpy.uint32(8)).astype(numpy.float64) / (1 << 24)


def uniform(name, shape, low, high):
    """Numbers in low..high, computed in float64 and rounded to float32."""
    count = int(numpy.prod(shape))
    values = low + (high - low) * unit(name, count)
    return torch.from_numpy(values.astype(numpy.float32).reshape(shape))


def value_range(name, shape, bias):
    """What the numbers of a tensor lie between."""
    if len(shape) > 1:
        # He et al., arXiv 1502.01852: the size of activations stays.
        bound = float(numpy.sqrt(6.0 / numpy.prod(shape[1:])))
        return -bound, bound
    if name == "fc.bias":
        return -0.1, 0.1
    if name.endswith("running_mean"):
        return -0.2, 0.2
    if name.endswith("running_var"):
        return 0.5, 1.5
    return (0.25, 0.75) if name.endswith("weight") else bias


def network(depth, bias, dtype):
    """ResNet-`depth` with the numbers that its tensors' names give."""
    model = getattr(torchvision.models, f"resnet{depth}")(num_classes=CLASSES)
    state = model.state_dict()
    for name, tensor in state.items():
        if tensor.is_floating_point():
            state[name] = uniform(name, tensor.shape, *value_range(name, tensor.shape, bias))
    model.load_state_dict(state)
    return model.to(dtype)


def digest(model):
    """The hash of every name and shape in the state dict, a line each, by name."""
    lines = [f"{name} {list(tensor.shape)}\n" for name, tensor in sorted(model.state_dict().items())]
    return f"{fnv1a(''.join(lines)):016x}"


def images(shape, name="images"):
    return uniform(name, shape, -1.0, 1.0)


def images_off_the_kinks(depth, shape):
    """The name of the first images for which no input of a ReLU is within KINK_MARGIN of 0, in float64."""
    model, nearest = network(depth, TRAIN_BIAS, torch.float64).train(), []
    for module in model.modules():
        if isinstance(module, torch.nn.ReLU):
            module.inplace = False
            module.register_forward_hook(lambda _, inputs, __: nearest.append(inputs[0].abs().min().item()))
    for seed in range(1000):
        nearest.clear()
        with torch.no_grad():
            model(images(shape, f"images/{seed}").double())
        if min(nearest) > KINK_MARGIN:
            return f"images/{seed}"
    raise AssertionError(f"ResNet-{depth}: no images of {shape} keep off the kinks")


def logits(depth, shape, dtype):
    with torch.no_grad():
        return network(depth, EVAL_BIAS, dtype).eval()(images(shape).to(dtype))


def gradients(depth, shape, name, dtype):
    """The loss, and for each parameter's gradient by name its norm and its product with a direction of random numbers."""
    model = network(depth, TRAIN_BIAS, dtype).train()
    loss = F.cross_entropy(model(images(shape, name).to(dtype)), torch.arange(shape[0]) % CLASSES)
    loss.backward()
    norms, products = [], []
    for name, parameter in sorted(model.named_parameters()):
        direction = uniform("direction/" + name, parameter.shape, -1.0, 1.0).double()
        gradient = parameter.grad.double()
        norms.append(gradient.norm())
        products.append((gradient * direction).sum() / direction.norm())
    return loss, torch.stack(norms), torch.stack(products)


def resnets():
    golden = Golden("resnets")
    for depth, shapes in [
        (18, [(2, 3, 64, 64), (3, 3, 33, 47), (1, 3, 32, 32)]),
        (34, [(2, 3, 65, 41)]),
        (50, [(2, 3, 64, 64), (1, 3, 51, 77)]),
        (101, [(1, 3, 64, 64)]),
        (152, [(1, 3, 32, 45)]),
    ]:
        for shape in shapes:
            exact, single = logits(depth, shape, torch.float64), logits(depth, shape, torch.float32)
            note = ((single.double() - exact).abs().max() / exact.abs().max()).item()
            model = network(depth, EVAL_BIAS, torch.float32)
            count = sum(parameter.numel() for parameter in model.parameters())
            case = f"eval_{depth}_{shape[2]}x{shape[3]}"
            parameters = {"depth": depth, "shape": shape, "digest": digest(model), "parameters": count}
            golden.case(case, "resnet", {**parameters, "float32_against_float64": note})
            golden.add(case, {"logits": exact})
            print(case, note)
    for depth, shape in [(18, (4, 3, 32, 32)), (50, (4, 3, 32, 32))]:
        name = images_off_the_kinks(depth, shape)
        loss, norms, products = gradients(depth, shape, name, torch.float64)
        single = gradients(depth, shape, name, torch.float32)
        note = ((single[2] - products) / norms).abs().max().item()
        case = f"gradients_{depth}"
        parameters = {"depth": depth, "shape": shape, "images": name}
        golden.case(case, "resnet", {**parameters, "float32_against_float64": note})
        golden.add(case, {"loss": loss, "norms": norms, "products": products})
        print(case, note)
    golden.save()
