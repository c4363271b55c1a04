"""The network: sliding CNN, recurrent encoder, attention decoder. Only Keras layers and `keras.ops`, no `tf.*`."""
