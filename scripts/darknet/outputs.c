// Darknet's own numbers: outputs CFG WEIGHTS INPUT OUT LAYER…
// INPUT is one image, C H W of f32; OUT gets the outputs of the layers, then for every box of every head its centre, size, objectness
// and scores in pixels of the input, all of f32.
//
// Or what is found in a picture: outputs CFG WEIGHTS --detect PICTURE THRESHOLD OVERLAP prints class, score, left, top, right, bottom.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "darknet.h"

static int detect(network *net, char **arguments) {
    image picture = load_image_color(arguments[0], 0, 0);
    float threshold = strtof(arguments[1], 0), overlap = strtof(arguments[2], 0);
    image boxed = letterbox_image(picture, net->w, net->h);
    network_predict(net, boxed.data);
    int found = 0;
    detection *boxes = get_network_boxes(net, picture.w, picture.h, threshold, 0, 0, 0, &found);
    int classes = found > 0 ? boxes[0].classes : 0;
    do_nms_sort(boxes, found, classes, overlap);
    for (int at = 0; at < found; ++at) {
        box b = boxes[at].bbox;
        for (int class = 0; class < classes; ++class) {
            if (boxes[at].prob[class] > 0) {
                printf("%d %.9g %.9g %.9g %.9g %.9g\n", class, boxes[at].prob[class], b.x - b.w / 2, b.y - b.h / 2,
                       b.x + b.w / 2, b.y + b.h / 2);
            }
        }
    }
    return 0;
}

int main(int count, char **arguments) {
    if (count < 5) return 2;
    network *net = load_network(arguments[1], arguments[2], 0);
    set_batch_network(net, 1);
    if (count == 7 && !strcmp(arguments[3], "--detect")) return detect(net, arguments + 4);
    size_t inputs = (size_t)net->inputs;
    float *x = calloc(inputs, sizeof(float));
    FILE *file = fopen(arguments[3], "rb");
    if (!file || fread(x, sizeof(float), inputs, file) != inputs) return 3;
    fclose(file);
    network_predict(net, x);
    file = fopen(arguments[4], "wb");
    if (!file) return 4;
    for (int at = 5; at < count; ++at) {
        layer l = net->layers[atoi(arguments[at])];
        fwrite(l.output, sizeof(float), (size_t)l.outputs, file);
    }
    int found = 0;
    detection *boxes = get_network_boxes(net, net->w, net->h, -1, 0, 0, 0, &found);
    for (int at = 0; at < found; ++at) {
        fwrite(&boxes[at].bbox, sizeof(float), 4, file);
        fwrite(&boxes[at].objectness, sizeof(float), 1, file);
        fwrite(boxes[at].prob, sizeof(float), (size_t)boxes[at].classes, file);
    }
    fclose(file);
    return 0;
}
