//! Who makes a model, inferred from its identifier.
//!
//! Identifiers reach the inventory as requests spell them: bare (`gpt-4o`), routed through a
//! platform (`azure/gpt-4o`, `bedrock/us.anthropic.claude-...`), as a platform's resource name, or as
//! a hub's `organisation/name`. What is in front is taken off step by step until a maker is
//! recognised. Where none is, the platform itself is the provider, as the inventory's contract
//! allows; where there is no platform either, nothing is inferred.

use probity_kernel::text::fold;

/// The provider of an entry for which nothing could be inferred.
pub const UNKNOWN: &str = "unknown";

/// Makers by the beginning of a bare model name. A pattern ends where a word ends (`o1` fits `o1` and
/// `o1-mini`, not `o12`); with `*` the word may go on (`gpt*` fits `gpt4`).
const NAMES: &[(&str, &str)] = &[
    (
        "openai",
        "gpt* chatgpt* o1 o3 o4 davinci curie babbage ada codex sora whisper* dall-e* tts-1 \
         text-davinci text-curie text-babbage text-ada code-davinci computer-use-preview \
         text-embedding-ada text-embedding-3 text-moderation omni-moderation",
    ),
    ("anthropic", "claude*"),
    (
        "google",
        "gemini* gemma* codegemma* paligemma* medgemma* palm bard veo* imagen* learnlm* medlm* \
         text-bison chat-bison code-bison codechat-bison text-unicorn textembedding-gecko \
         text-embedding-004 text-embedding-005 text-multilingual-embedding",
    ),
    (
        "cohere",
        "command c4ai aya embed-english embed-multilingual embed-v4* rerank-english \
         rerank-multilingual rerank-v*",
    ),
    ("meta", "llama* meta-llama* codellama* code-llama*"),
    (
        "mistral",
        "mistral* mixtral* codestral* ministral* pixtral* magistral* devstral* voxtral* \
         mathstral* open-mistral open-mixtral open-codestral",
    ),
    (
        "amazon",
        "nova-micro nova-lite nova-pro nova-premier nova-canvas nova-reel nova-sonic titan \
         amazon-nova amazon-titan",
    ),
    ("xai", "grok"),
    ("deepseek", "deepseek*"),
    ("qwen", "qwen* codeqwen* qwq qvq"),
];

/// Names that begin like one maker's and are somebody else's.
const NAMESAKES: &str = "gpt-j gpt-neo* gpt4all* gpt-sw3 gpt-bigcode";

/// Makers by the name under which platforms and hubs keep their models: `<owner>/...` and, on
/// platforms that write dots, `<owner>....`
const OWNERS: &[(&str, &str)] = &[
    ("openai", "openai text-completion-openai openai-community"),
    ("anthropic", "anthropic"),
    (
        "google",
        "google gemini palm google-ai-studio google_ai_studio google-bert google-t5",
    ),
    ("cohere", "cohere cohere_chat cohereforai coherelabs"),
    ("meta", "meta meta-llama meta_llama facebook"),
    ("mistral", "mistral mistralai mistral-ai"),
    ("amazon", "amazon amazon-nova amazon_nova"),
    ("xai", "xai x-ai xai-org"),
    ("deepseek", "deepseek deepseek-ai"),
    ("qwen", "qwen alibaba dashscope"),
];

/// Platforms that serve the models of many makers, each with the provider that it stands for when
/// the maker cannot be told.
const PLATFORMS: &[(&str, &str)] = &[
    ("azure", "azure azure_ai azure_openai azure_text azureml"),
    (
        "amazon",
        "bedrock bedrock_converse sagemaker sagemaker_chat",
    ),
    ("google", "vertex vertex_ai vertex_ai_beta"),
];

/// Regions that a cross-region inference profile puts in front of an owner's name.
const REGIONS: &str = "us eu ap apac ca sa jp au global us-gov";

/// Infers the provider from a model identifier, ignoring case.
///
/// ```
/// use probity_registry::provider::infer;
/// assert_eq!(infer("gpt-4o-mini"), Some("openai"));
/// assert_eq!(infer("bedrock/eu.anthropic.claude-sonnet-4-20250514-v1:0"), Some("anthropic"));
/// assert_eq!(infer("our-own-scorecard"), None);
/// ```
#[must_use]
pub fn infer(identifier: &str) -> Option<&'static str> {
    let folded = fold(identifier.trim());
    // A publisher's resource name has names of the customer's choice in front of the publisher.
    let mut rest = match folded.rsplit_once("publishers/") {
        Some((_, published)) => published,
        None => &folded,
    };
    let mut platform = None;
    while let Some((head, tail)) = rest.split_once('/') {
        if let Some(maker) = row_with(OWNERS, head) {
            return Some(maker);
        }
        platform = platform.or_else(|| platform_of(head));
        rest = tail;
    }
    dotted_owner(rest).or_else(|| named(rest)).or(platform)
}

fn platform_of(head: &str) -> Option<&'static str> {
    let is_resource = head.starts_with("arn:aws:") || head.starts_with("arn:aws-");
    row_with(PLATFORMS, head).or(is_resource.then_some("amazon"))
}

/// The row whose words hold exactly this one.
fn row_with(table: &[(&'static str, &str)], word: &str) -> Option<&'static str> {
    let row = table.iter().find(|(_, words)| holds(words, word));
    row.map(|(maker, _)| *maker)
}

fn holds(words: &str, word: &str) -> bool {
    words.split(' ').any(|known| known == word)
}

/// `anthropic.claude-...`, or with a region in front, `us.anthropic.claude-...`.
fn dotted_owner(name: &str) -> Option<&'static str> {
    let (first, rest) = name.split_once('.')?;
    if holds(REGIONS, first) {
        return row_with(OWNERS, rest.split_once('.')?.0);
    }
    row_with(OWNERS, first)
}

fn named(name: &str) -> Option<&'static str> {
    let name = name.strip_prefix("ft:").unwrap_or(name);
    let fits_any = |patterns: &str| patterns.split(' ').any(|pattern| fits(pattern, name));
    if fits_any(NAMESAKES) {
        return None;
    }
    let row = NAMES.iter().find(|(_, patterns)| fits_any(patterns));
    row.map(|(maker, _)| *maker)
}

fn fits(pattern: &str, name: &str) -> bool {
    if let Some(beginning) = pattern.strip_suffix('*') {
        return name.starts_with(beginning);
    }
    let rest = name.strip_prefix(pattern);
    rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

#[cfg(test)]
mod tests;
