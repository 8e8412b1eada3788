//! Every setting there is.

use clap::{Arg, ArgAction};

/// One setting: the same name as flag, in the file and, upper case, in the environment.
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) env: &'static str,
    pub(crate) default: Option<&'static str>,
    pub(crate) help: &'static str,
    pub(crate) secret: bool,
    pub(crate) is_flag: bool,
}

const fn setting(
    name: &'static str,
    env: &'static str,
    default: Option<&'static str>,
    help: &'static str,
) -> Setting {
    Setting {
        name,
        env,
        default,
        help,
        secret: false,
        is_flag: false,
    }
}

/// The settings, in the order in which they are shown.
pub(crate) const TABLE: &[Setting] = &[
    setting(
        "listen",
        "PROBITY_LISTEN",
        Some("127.0.0.1:8080"),
        "Address and port to serve on",
    ),
    setting(
        "data-dir",
        "PROBITY_DATA_DIR",
        Some("./probity-data"),
        "Folder for the database and the keys",
    ),
    Setting {
        secret: true,
        ..setting(
            "database-url",
            "DATABASE_URL",
            None,
            "postgres://... or a SQLite file [default: DATA_DIR/probity.db]",
        )
    },
    Setting {
        is_flag: true,
        ..setting(
            "no-migrate",
            "PROBITY_NO_MIGRATE",
            Some("false"),
            "Refuse a schema that is behind instead of migrating it",
        )
    },
    setting(
        "workers",
        "PROBITY_WORKERS",
        Some("2"),
        "HTTP worker threads, 1 to 256",
    ),
    setting(
        "write-lanes",
        "PROBITY_WRITE_LANES",
        Some("4"),
        "Write lanes on PostgreSQL, 1 to 64; SQLite has one",
    ),
    setting(
        "read-connections",
        "PROBITY_READ_CONNECTIONS",
        Some("8"),
        "Pooled connections for reads, 1 to 256",
    ),
    setting(
        "log-level",
        "PROBITY_LOG_LEVEL",
        Some("info"),
        "Log filter, e.g. warn or probity=debug",
    ),
    setting(
        "log-format",
        "PROBITY_LOG_FORMAT",
        Some("json"),
        "json or text",
    ),
    setting(
        "origin",
        "PROBITY_ORIGIN",
        Some("localhost"),
        "Host name in the origin of the record's checkpoints",
    ),
    setting(
        "witnesses",
        "PROBITY_WITNESSES",
        None,
        "Witnesses that cosign the record's checkpoints: VKEY=URL, separated by commas",
    ),
    setting(
        "anchor-file",
        "PROBITY_ANCHOR_FILE",
        None,
        "File to which every signed checkpoint is appended before anybody sees it; best on a medium that can only be added to",
    ),
    setting(
        "timestamp-url",
        "PROBITY_TIMESTAMP_URL",
        None,
        "Time-stamp authority (RFC 3161) that stamps checkpoints, e.g. http://tsa.example/tsr",
    ),
    setting(
        "timestamp-cert-file",
        "PROBITY_TIMESTAMP_CERT_FILE",
        None,
        "Certificates in PEM that vouch for the time-stamp authority: its own, or those of its issuers",
    ),
    setting(
        "timestamp-interval",
        "PROBITY_TIMESTAMP_INTERVAL",
        Some("3600"),
        "Seconds between time stamps of one record, 0 to 604800; 0 stamps every checkpoint of a round",
    ),
    setting(
        "token-issuer",
        "PROBITY_TOKEN_ISSUER",
        Some("probity"),
        "Issuer of the server's own tokens",
    ),
    setting(
        "token-audience",
        "PROBITY_TOKEN_AUDIENCE",
        Some("probity"),
        "Audience that every token must name",
    ),
    setting(
        "external-issuers-file",
        "PROBITY_EXTERNAL_ISSUERS_FILE",
        None,
        "TOML file that lists trusted token issuers and their JWKS",
    ),
    Setting {
        secret: true,
        ..setting(
            "redis-url",
            "PROBITY_REDIS_URL",
            None,
            "redis://... to share rate limits between nodes",
        )
    },
    setting(
        "rate-limit-metrics",
        "PROBITY_RATE_LIMIT_METRICS",
        Some("60"),
        "POST /api/v1/metrics per key and minute; 0 is no limit",
    ),
    setting(
        "rate-limit-metrics-batch",
        "PROBITY_RATE_LIMIT_METRICS_BATCH",
        Some("10"),
        "POST /api/v1/metrics/batch per key and minute; 0 is no limit",
    ),
    setting(
        "rate-limit-requests",
        "PROBITY_RATE_LIMIT_REQUESTS",
        Some("0"),
        "All other requests per key and minute; 0 is no limit",
    ),
    setting(
        "event-streams",
        "PROBITY_EVENT_STREAMS",
        Some("512"),
        "Open event streams on this node at the most; 0 admits none",
    ),
    setting(
        "change-log-provider",
        "PROBITY_CHANGE_LOG_PROVIDER",
        Some("none"),
        "Who drafts change logs: none, template, openai (any compatible endpoint) or anthropic",
    ),
    setting(
        "change-log-base-url",
        "PROBITY_CHANGE_LOG_BASE_URL",
        None,
        "Base URL of the provider, e.g. http://localhost:8000/v1 [default: the provider's own]",
    ),
    Setting {
        secret: true,
        ..setting(
            "change-log-api-key",
            "PROBITY_CHANGE_LOG_API_KEY",
            None,
            "API key for the provider",
        )
    },
    setting(
        "change-log-model",
        "PROBITY_CHANGE_LOG_MODEL",
        None,
        "Model that the provider is to use",
    ),
    setting(
        "change-log-timeout",
        "PROBITY_CHANGE_LOG_TIMEOUT",
        Some("30"),
        "Seconds that the provider may take, 1 to 300",
    ),
    setting(
        "blob-store",
        "PROBITY_BLOB_STORE",
        None,
        "Folder of the bytes of artifacts [default: DATA_DIR/artifacts]",
    ),
    setting(
        "s3-bucket",
        "PROBITY_S3_BUCKET",
        None,
        "Bucket of an S3-compatible object store that keeps the bytes of artifacts instead of a folder; any number of servers may share it",
    ),
    setting(
        "s3-endpoint",
        "PROBITY_S3_ENDPOINT",
        None,
        "URL of the object store, e.g. https://s3.example.org:9000 [default: Amazon's for the region]",
    ),
    setting(
        "s3-public-endpoint",
        "PROBITY_S3_PUBLIC_ENDPOINT",
        None,
        "URL at which clients reach the object store for downloads [default: s3-endpoint]",
    ),
    setting(
        "s3-region",
        "PROBITY_S3_REGION",
        Some("us-east-1"),
        "Region of the bucket",
    ),
    setting(
        "s3-access-key-id",
        "PROBITY_S3_ACCESS_KEY_ID",
        None,
        "Id of the access key [default: AWS_* of the environment, or the role of the machine]",
    ),
    Setting {
        secret: true,
        ..setting(
            "s3-secret-access-key",
            "PROBITY_S3_SECRET_ACCESS_KEY",
            None,
            "The secret of the access key",
        )
    },
    setting(
        "s3-prefix",
        "PROBITY_S3_PREFIX",
        None,
        "Folder inside the bucket, e.g. probity/prod",
    ),
    setting(
        "s3-path-style",
        "PROBITY_S3_PATH_STYLE",
        Some("true"),
        "Whether the bucket is in the path of addresses, and not in the host name",
    ),
    setting(
        "s3-downloads",
        "PROBITY_S3_DOWNLOADS",
        Some("redirect"),
        "redirect: downloads lead to a signed address of the store; proxy: they go through the server",
    ),
    setting(
        "s3-link-seconds",
        "PROBITY_S3_LINK_SECONDS",
        Some("300"),
        "Seconds for which a signed address can be used, 1 to 3600",
    ),
    setting(
        "artifact-chunk-bytes",
        "PROBITY_ARTIFACT_CHUNK_BYTES",
        Some("8388608"),
        "Size of the chunks of uploads, 1 MiB to 64 MiB",
    ),
    setting(
        "space-quota-bytes",
        "PROBITY_SPACE_QUOTA_BYTES",
        Some("1099511627776"),
        "Bytes of artifacts that each space may hold; 0 is any number",
    ),
    setting(
        "scrub-days",
        "PROBITY_SCRUB_DAYS",
        Some("7"),
        "Days after which the bytes of an artifact are read and hashed again; 0 is never",
    ),
    setting(
        "webhook-key-file",
        "PROBITY_WEBHOOK_KEY_FILE",
        None,
        "File with the master key that seals webhook secrets, 32 bytes in base 64 (`openssl rand -base64 32`); former keys on further lines",
    ),
    setting(
        "webhook-private-hosts",
        "PROBITY_WEBHOOK_PRIVATE_HOSTS",
        None,
        "Hosts that webhooks may reach though they are private, and without TLS: receiver.lan,10.0.0.5:9000",
    ),
    setting(
        "webhook-timeout",
        "PROBITY_WEBHOOK_TIMEOUT",
        Some("20"),
        "Seconds that one attempt of a delivery may take, 1 to 120",
    ),
    setting(
        "webhook-retention-days",
        "PROBITY_WEBHOOK_RETENTION_DAYS",
        Some("30"),
        "Days for which deliveries that are done are kept, 1 to 3650",
    ),
    setting(
        "checkpoint-interval",
        "PROBITY_CHECKPOINT_INTERVAL",
        Some("60"),
        "Seconds between signed checkpoints of the record",
    ),
    setting(
        "shutdown-timeout",
        "PROBITY_SHUTDOWN_TIMEOUT",
        Some("30"),
        "Seconds that requests under way get at shutdown",
    ),
];

/// The flags of the command line, one per setting, and the file's name.
pub(crate) fn arguments() -> impl Iterator<Item = Arg> {
    let file = Arg::new("config")
        .long("config")
        .env("PROBITY_CONFIG")
        .value_name("FILE")
        .help("TOML file of settings; flags beat environment beats file");
    let settings = TABLE.iter().map(|setting| {
        let shown = setting
            .default
            .map(|default| format!(" [default: {default}]"));
        let help = format!(
            "{}{} [env: {}]",
            setting.help,
            shown.unwrap_or_default(),
            setting.env
        );
        let arg = Arg::new(setting.name)
            .long(setting.name)
            .help(help)
            .global(true);
        if setting.is_flag {
            arg.action(ArgAction::SetTrue)
        } else {
            arg.value_name("VALUE")
        }
    });
    std::iter::once(file.global(true)).chain(settings)
}
