"""One training step on every replica: losses, gradients, optimiser, weight average."""

from collections.abc import Callable

import keras
import tensorflow as tf

from aocr_core.config import TrainOptions
from aocr_core.model.recognizer import AttentionOCR
from aocr_core.training import losses
from aocr_core.training.average import WeightAverage

Batch = dict[str, tf.Tensor]
Step = Callable[[Batch], dict[str, tf.Tensor]]

WEIGHT_DECAY = 0.05
# TF1's values: Keras' own defaults differ (rate 0.001, epsilon 1e-7), and with them Adadelta hardly moves.
ADADELTA_RHO, ADADELTA_EPSILON = 0.95, 1e-8


def build_optimizer(options: TrainOptions) -> keras.optimizers.Optimizer:
    """The optimiser that the options name; its rate is set before every step."""
    rate = options.initial_learning_rate
    if options.optimizer == "adadelta":
        return keras.optimizers.Adadelta(rate, rho=ADADELTA_RHO, epsilon=ADADELTA_EPSILON)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY, beta_2=0.99)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def build_step(
    model: AttentionOCR,
    optimizer: keras.optimizers.Optimizer,
    average: WeightAverage,
    options: TrainOptions,
    strategy: tf.distribute.Strategy,
) -> Step:
    """Compile the step. It takes a batch as `training_batches` makes them and returns scalars:
    `loss`, `decoder_loss`, `ctc_loss`, `gradient_norm`.
    """
    weight = options.ctc_weight
    statistics = [variable.value for variable in model.non_trainable_variables if variable.value.dtype.is_floating]

    def replica_step(batch: Batch) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            logits, ctc_logits, lengths = model(batch["images"], batch["widths"], batch["inputs"], training=True)
            decoder = losses.decoder_loss(logits, batch["targets"], options.label_smoothing)
            ctc = losses.ctc_loss(ctc_logits, lengths, batch["targets"]) if weight else tf.constant(0.0)
            loss = (1.0 - weight) * decoder + weight * ctc
        # TensorFlow's variables, not Keras': it makes zeros (of a CTC head without weight) only for its own kind.
        variables = [variable.value for variable in model.trainable_variables]
        gradients = tape.gradient(loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        if strategy.num_replicas_in_sync > 1:
            # Statistics of batch normalisation are taken by each device of its own images, weights of all: without the
            # mean of both, the devices' models would drift apart.
            mine = [tf.convert_to_tensor(gradient) for gradient in gradients] + [one.read_value() for one in statistics]
            means = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, mine)
            gradients = means[: len(gradients)]
            for one, mean in zip(statistics, means[len(gradients) :], strict=True):
                one.assign(mean)
        norm = tf.linalg.global_norm(gradients)
        if options.gradient_clipping:
            gradients, _ = tf.clip_by_global_norm(gradients, options.max_gradient_norm, use_norm=norm)
        optimizer.apply(gradients, model.trainable_variables)
        return {"loss": loss, "decoder_loss": decoder, "ctc_loss": ctc, "gradient_norm": norm}

    @tf.function(reduce_retracing=True)
    def step(batch: Batch) -> dict[str, tf.Tensor]:
        scalars = strategy.run(replica_step, args=(batch,))
        average.update()
        return {name: strategy.reduce(tf.distribute.ReduceOp.MEAN, value, axis=None) for name, value in scalars.items()}

    return step
