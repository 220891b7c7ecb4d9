"""The codes of the error catalogue in core, which is the original; a test compares the two."""

FAULT_CODES = frozenset(
    """
    text_empty text_too_short text_too_long text_encoding_invalid text_not_speakable text_invalid
    language_unsupported script_unsupported request_invalid
    voice_not_found voice_profile_missing voice_profile_corrupt voice_profile_format_invalid voice_language_mismatch
    model_unavailable model_loading_failed model_failed audio_missing audio_silent audio_implausible
    gpu_out_of_memory memory_exhausted disk_full machine_overloaded
    storage_upload_failed storage_unavailable
    network_unreachable dns_failed tls_failed callback_undeliverable
    credentials_invalid permission_denied service_account_invalid
    provider_rate_limited provider_quota_exceeded provider_unavailable provider_rejected
    timed_out lease_expired
    circuit_open system_protection synthesis_disabled queue_full
    queue_unavailable job_cancelled worker_lost internal unknown
    """.split()
)
