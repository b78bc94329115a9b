#!/usr/bin/python3
"""Writes the pictures of crates/data/tests/pictures: one in every format, and what PIL makes of it.

    apt-get install python3-torchvision    # Debian's, with its PIL and numpy
    /usr/bin/python3 tests/goldens/pictures.py

`NAME.EXT` is the file that is read, `NAME.EXT.rgb` the bytes that PIL's convert("RGB") gives of it once it is upright
(ImageOps.exif_transpose), row by row behind a line with width and height.
"""

import itertools
import os
import struct
import zlib

import numpy
from PIL import Image, ImageOps
from torchvision import transforms

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../crates/data/tests/pictures")


def scene(height, width, seed):
    """Slopes, an edge, a disc and a little noise, as a photograph has them: H x W x 4 bytes."""
    random = numpy.random.default_rng(seed)
    y, x = numpy.mgrid[0:height, 0:width]
    disc = ((y - height / 2) ** 2 + (x - width / 3) ** 2 < (height / 3) ** 2) * 90.0
    planes = [255 * x / width, 255 * y / height, 200.0 * (x > width / 2), 255 - 200 * x / width]
    planes = [plane + disc * (0.3 + 0.3 * at) + random.normal(0, 6, disc.shape) for at, plane in enumerate(planes)]
    return numpy.clip(numpy.stack(planes, 2).round(), 0, 255).astype(numpy.uint8)


def expect(name, array):
    with open(os.path.join(FOLDER, name + ".rgb"), "wb") as file:
        file.write(f"{array.shape[1]} {array.shape[0]}\n".encode() + array.tobytes())


def save(name, image, expected=None, **options):
    path = os.path.join(FOLDER, name)
    image.save(path, **options)
    if expected is None:
        expected = numpy.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))
    expect(name, expected)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png16(name, array):
    """PIL writes no colours of 16 bits, so the few lines that the format takes."""
    height, width, channels = array.shape
    header = struct.pack(">IIBBBBB", width, height, 16, {3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)
    with open(os.path.join(FOLDER, name), "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    read = numpy.asarray(Image.open(os.path.join(FOLDER, name)).convert("RGB"))
    assert (read == array[:, :, :3] >> 8).all()
    expect(name, read)


def main():
    os.makedirs(FOLDER, exist_ok=True)
    pixels = scene(23, 37, 1)
    rgba = Image.fromarray(pixels)
    rgb, grey = rgba.convert("RGB"), rgba.convert("L")
    palette = rgb.quantize(16)
    for kind, image in {"rgb": rgb, "rgba": rgba, "grey": grey, "la": rgba.convert("LA"), "palette": palette,
                        "bit": grey.convert("1")}.items():
        save(kind + ".png", image)
    save("transparent.png", palette, transparency=3)
    wide = pixels.astype(numpy.uint16) * numpy.uint16(257) - (pixels > 9) * numpy.uint16(77)
    png16("rgb16.png", wide[:, :, :3])
    png16("rgba16.png", wide)
    upper = numpy.repeat((wide[:, :, :1] >> 8).astype(numpy.uint8), 3, 2)
    save("grey16.png", Image.fromarray(wide[:, :, 0]), upper)
    save("grey16.tif", Image.fromarray(wide[:, :, 0]), upper)
    save("rgb.tif", rgb, compression="tiff_lzw")
    save("rgba.tif", rgba)
    for kind, image in {"rgb": rgb, "palette": palette}.items():
        save(kind + ".bmp", image)
    save("palette.gif", palette)
    save("two_frames.gif", palette, save_all=True, append_images=[ImageOps.flip(palette)], transparency=3)
    save("lossless.webp", rgba, lossless=True, exact=True)
    save("lossy.webp", rgb, quality=90)
    save("rgb444.jpg", rgb, quality=90, subsampling=0)
    save("rgb420.jpg", rgb, quality=90, subsampling=2)
    save("grey.jpg", grey, quality=90)
    save("progressive.jpg", rgb, quality=90, progressive=True)
    save("cmyk.jpg", rgb.convert("CMYK"), quality=95)
    for orientation in range(2, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        save(f"turned{orientation}.jpg", rgb, quality=90, subsampling=0, exif=exif)


SIZES = [(16, 11), (61, 40), (37, 9), (5, 50), (1, 1)]
FILTERS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}


def resized():
    """PIL's resize of rgb.png, and of pictures in other modes: a line (file, filter, width, height), then the bytes."""
    with open(os.path.join(FOLDER, "resized.rgb"), "wb") as file:
        for source, sizes in {"rgb": SIZES, "grey": SIZES[:1], "la": SIZES[:2], "rgba": SIZES[:2]}.items():
            image = Image.open(os.path.join(FOLDER, source + ".png"))
            for (name, number), (width, height) in itertools.product(FILTERS.items(), sizes):
                array = numpy.asarray(image.resize((width, height), number))
                file.write(f"{source}.png {name} {width} {height}\n".encode() + array.tobytes())


def transformed():
    """torchvision's transforms for evaluation: a line (resize, crop height and width, filter, height and width before),
    the picture's bytes, and the float32 that come out."""
    modes = {"bilinear": transforms.InterpolationMode.BILINEAR, "bicubic": transforms.InterpolationMode.BICUBIC}
    cases = [(32, 28, 28, "bilinear", 45, 77), (32, 28, 27, "bicubic", 81, 46), (20, 27, 24, "bilinear", 31, 30),
             (21, 24, 50, "bilinear", 20, 33), (26, 25, 26, "bicubic", 26, 51)]
    with open(os.path.join(FOLDER, "transformed.rgb"), "wb") as file:
        for seed, (side, height, width, name, rows, columns) in enumerate(cases):
            pixels = numpy.ascontiguousarray(scene(rows, columns, 10 + seed)[:, :, :3])
            values = transforms.Compose([
                transforms.Resize(side, modes[name]),
                transforms.CenterCrop((height, width)),
                transforms.ToTensor(),
                transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
            ])(Image.fromarray(pixels)).numpy()
            assert values.shape == (3, height, width) and values.dtype == numpy.float32
            file.write(f"{side} {height} {width} {name} {rows} {columns}\n".encode() + pixels.tobytes() + values.tobytes())


if __name__ == "__main__":
    main()
    resized()
    transformed()
