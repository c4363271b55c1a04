"""Flags of tensorflow_model_server that have no meaning here."""

RETRIES = "a version is tried again after 10, 60 and 600 seconds, and when its files change"
IGNORED = {
    "port": "only the REST API is served, see --rest-api-port",
    "grpc_socket_path": "only the REST API is served, see --rest-api-port",
    "grpc_channel_arguments": "only the REST API is served",
    "grpc_max_threads": "only the REST API is served",
    "enable_batching": "requests are batched anyway, see --max-batch",
    "batching_parameters_file": "see --max-batch, --max-wait-ms and --max-queue",
    "rest_api_num_threads": "see --decode-threads",
    "rest_api_timeout_in_ms": "see --request-timeout",
    "rest_api_enable_cors_support": "pages of other origins are not answered",
    "file_system_poll_wait_seconds": "new versions are looked for every second, in a bucket every 10 seconds",
    "flush_filesystem_caches": "",
    "enable_model_warmup": "every version is warmed up before it serves",
    "num_request_iterations_for_warmup": "every version is warmed up before it serves",
    "num_load_threads": "",
    "num_unload_threads": "",
    "max_num_load_retries": RETRIES,
    "load_retry_interval_micros": RETRIES,
    "saved_model_tags": "the tag is serve",
    "tensorflow_session_parallelism": "see --model-threads",
    "tensorflow_intra_op_parallelism": "see --model-threads",
    "tensorflow_inter_op_parallelism": "see --model-threads",
    "tensorflow_session_config_file": "",
    "per_process_gpu_memory_fraction": "",
    "monitoring_config_file": "Prometheus reads /metrics",
    "remove_unused_fields_from_bundle_metagraph": "",
    "allow_version_labels_for_unavailable_models": "versions have no labels here",
    "prefer_tflite_model": "",
    "enable_signature_method_name_check": "",
    "enable_profiler": "",
    "xla_cpu_compilation_enabled": "",
}
"""By name, and what to do or to know instead. Flags that ask for another model or for TLS are not among them."""


def split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Take out the flags that are ignored: those left, and a note on each that is not.

    TF Serving's flags have their value behind `=` or are switches; `--port` may also be followed by it.
    """
    left, notes = [], []
    rest = iter(arguments)
    for argument in rest:
        flag, equals, _ = argument.partition("=")
        name = flag[2:].replace("-", "_")
        if argument == "--":
            left += [argument, *rest]
        elif not flag.startswith("--") or name not in IGNORED:
            left.append(argument)
        else:
            if name == "port" and not equals:
                next(rest, None)
            notes.append(f"--{name} is ignored" + (f": {IGNORED[name]}" if IGNORED[name] else ""))
    return left, notes
