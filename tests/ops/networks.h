/* Networks of stdlib/, as small as they can be: each has all that its family has. */
#ifndef NETWORKS_H
#define NETWORKS_H

/* The file, and what stands in a model. */
static const char *const networks[][2] = {
    {"lenet", "input 28x28x1 -> lenet5 -> dense 4 -> softmax"},
    {"vgg", "input 32x32x3 -> vgg 1, 1, 1, 1, 1, normalize=true, width=4, hidden=16 -> dense 4 -> softmax"},
    {"resnet", "input 24x24x3 -> resnet 1, 1, 1, 1, width=4, bottleneck=true -> dense 4 -> softmax"},
    {"resnet", "input 12x12x3 -> resnet_cifar 1, width=8 -> dense 4 -> softmax"},
    {"resnet9", "input 16x16x3 -> resnet9 4 -> dense 4 -> softmax"},
    {"mobilenet", "input 32x32x3 -> mobilenet_v2 0.25 -> dense 4 -> softmax"},
    {"mobilenet", "input 32x32x3 -> mobilenet_v3_small 0.25 -> dense 4 -> softmax"},
    {"shufflenet", "input 32x32x3 -> shufflenet_v2 8, last=16 -> dense 4 -> softmax"},
    {"efficientnet", "input 16x16x3 -> efficientnet 0.25, 0.25 -> dense 4 -> softmax"},
    {"squeezenet", "input 40x40x3 -> squeezenet 4 -> softmax"},
    {"densenet", "input 16x16x3 -> densenet 1, 1, 1, 1, growth=4, small=true -> dense 4 -> softmax"},
    {"convnext", "input 16x16x3 -> convnext 1, 1, 1, 1, width=8, patch=1, scale=0.5 -> dense 4 -> softmax"},
};

#endif
