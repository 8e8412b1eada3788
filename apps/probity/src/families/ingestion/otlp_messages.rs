//! The few fields of the OTLP trace messages that say which model was asked and when.
//!
//! Everything else, prompts and contents included, is skipped by the decoder and never held.

use prost::Message;
use serde::Deserialize;

/// `ExportTraceServiceRequest`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ExportRequest {
    #[prost(message, repeated, tag = "1")]
    pub(super) resource_spans: Vec<ResourceSpans>,
}

/// `ResourceSpans`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ResourceSpans {
    #[prost(message, repeated, tag = "2")]
    pub(super) scope_spans: Vec<ScopeSpans>,
}

/// `ScopeSpans`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ScopeSpans {
    #[prost(message, repeated, tag = "2")]
    pub(super) spans: Vec<Span>,
}

/// `Span`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Span {
    #[prost(fixed64, tag = "7")]
    pub(super) start_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    pub(super) attributes: Vec<KeyValue>,
}

/// `KeyValue`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct KeyValue {
    #[prost(string, tag = "1")]
    pub(super) key: String,
    #[prost(message, optional, tag = "2")]
    pub(super) value: Option<AnyValue>,
}

/// `AnyValue`, of which only texts matter here.
#[derive(Clone, PartialEq, Message)]
pub(super) struct AnyValue {
    #[prost(string, optional, tag = "1")]
    pub(super) string_value: Option<String>,
}

/// `ExportTraceServiceResponse` with `partial_success`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    pub(super) partial_success: Option<PartialSuccess>,
}

/// `ExportTracePartialSuccess`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct PartialSuccess {
    #[prost(int64, tag = "1")]
    pub(super) rejected_spans: i64,
    #[prost(string, tag = "2")]
    pub(super) error_message: String,
}

/// `google.rpc.Status`, the shape of failure that OTLP over protobuf asks for.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
}

/// The same messages in the JSON mapping of OTLP.
pub(super) mod json {
    use super::Deserialize;

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub(in super::super) struct ExportRequest {
        #[serde(default)]
        pub(in super::super) resource_spans: Vec<ResourceSpans>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub(in super::super) struct ResourceSpans {
        #[serde(default)]
        pub(in super::super) scope_spans: Vec<ScopeSpans>,
    }

    #[derive(Deserialize)]
    pub(in super::super) struct ScopeSpans {
        #[serde(default)]
        pub(in super::super) spans: Vec<Span>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub(in super::super) struct Span {
        /// 64-bit integers are texts in the JSON mapping; some senders write numbers.
        #[serde(default)]
        pub(in super::super) start_time_unix_nano: Option<Nanoseconds>,
        #[serde(default)]
        pub(in super::super) attributes: Vec<KeyValue>,
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    pub(in super::super) enum Nanoseconds {
        Text(String),
        Number(u64),
    }

    #[derive(Deserialize)]
    pub(in super::super) struct KeyValue {
        #[serde(default)]
        pub(in super::super) key: String,
        #[serde(default)]
        pub(in super::super) value: Option<AnyValue>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub(in super::super) struct AnyValue {
        #[serde(default)]
        pub(in super::super) string_value: Option<String>,
    }
}
