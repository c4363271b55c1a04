"""Rendered word images with labels: a data set for training, for tests and for a first try, made out of nothing.

`words` makes pronounceable words, numbers and codes; `labels` deals them out so that no test word is a training word;
`fonts` finds typefaces in installed packages and knows which characters they have; `render` paints one word the way a
camera or scanner might have seen it; `build` writes the folder. Everything follows from the seed: image *i* looks the
same whatever the number of processes. The idea of training readers on rendered words alone is that of Jaderberg et
al., "Synthetic Data and Artificial Neural Networks for Natural Scene Text Recognition" (https://arxiv.org/abs/1406.2227).
"""
