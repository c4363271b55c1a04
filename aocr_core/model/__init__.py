"""The network: sliding CNN, recurrent encoder, CTC head and attention decoder, in Keras layers and `keras.ops`.

`kernels` and `recurrence` alone are TensorFlow's: second versions of what would cost a tenth of a step or more.
"""
