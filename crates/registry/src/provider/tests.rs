use proptest::prelude::*;

use super::*;

/// One maker to a line, with identifiers as they occur in requests.
const TABLE: &[(&str, &str)] = &[
    (
        "openai",
        "gpt-4o gpt-4o-mini gpt-4.1 gpt-3.5-turbo-0125 gpt-5-mini GPT-4 gpt4 gpt2 chatgpt-4o-latest \
         o1 o1-mini o1-2024-12-17 o3-mini o4-mini text-embedding-3-large text-embedding-ada-002 \
         text-davinci-003 davinci-002 babbage-002 ada dall-e-3 whisper-1 tts-1-hd \
         omni-moderation-latest codex-mini-latest sora-2 ft:gpt-3.5-turbo-0613:acme::8abc \
         openai/gpt-4o openai/our-own azure/gpt-4o azure/openai/gpt-4 openrouter/openai/o1-preview \
         openai.gpt-oss-120b-1:0 bedrock/openai.gpt-oss-20b-1:0 openai-community/gpt2 acme/gpt-4o-ft",
    ),
    (
        "anthropic",
        "claude-3-5-sonnet-20241022 claude-2.1 claude-instant-1.2 claude-opus-4-1 Claude-3-Haiku \
         anthropic/claude-3-opus anthropic.claude-v2:1 anthropic.claude-3-haiku-20240307-v1:0 \
         us.anthropic.claude-3-5-sonnet-20241022-v2:0 eu.anthropic.claude-sonnet-4-20250514-v1:0 \
         apac.anthropic.claude-3-sonnet-20240229-v1:0 global.anthropic.claude-sonnet-4-5-20250929-v1:0 \
         us-gov.anthropic.claude-3-haiku-20240307-v1:0 bedrock/anthropic.claude-v2 \
         bedrock/us.anthropic.claude-3-opus-20240229-v1:0 bedrock/converse/anthropic.claude-v2 \
         vertex_ai/claude-3-5-sonnet@20240620 openrouter/anthropic/claude-3.5-sonnet \
         arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v2 \
         arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4 \
         projects/meta/locations/europe-west1/publishers/anthropic/models/claude-3-5-haiku",
    ),
    (
        "google",
        "gemini-1.5-pro gemini-2.0-flash-001 models/gemini-1.5-flash gemini/gemini-pro gemma-2-9b-it \
         gemma2:9b codegemma paligemma-3b google/gemma-7b google/flan-t5-xl palm-2 text-bison@002 \
         chat-bison text-embedding-004 textembedding-gecko@003 imagen-3.0-generate-002 veo-2.0 \
         vertex_ai/gemini-pro vertex_ai/our-endpoint google-bert/bert-base-uncased \
         projects/p/locations/l/publishers/google/models/gemini-1.5-pro",
    ),
    (
        "cohere",
        "command command-r command-r-plus-08-2024 command-light embed-english-v3.0 \
         embed-multilingual-v3.0 embed-v4.0 rerank-v3.5 rerank-english-v3.0 c4ai-aya-expanse-8b aya-23 \
         cohere/command-r cohere_chat/command-r CohereForAI/aya-101 CohereLabs/c4ai-command-a \
         cohere.command-r-plus-v1:0 bedrock/cohere.embed-english-v3",
    ),
    (
        "meta",
        "llama-3.1-70b-instruct llama3 llama3.2:3b Llama-2-7b-chat-hf codellama-34b code-llama-7b \
         meta-llama-3-8b meta-llama/Llama-3.3-70B-Instruct meta-llama/Meta-Llama-3-8B \
         facebook/opt-1.3b meta.llama3-8b-instruct-v1:0 us.meta.llama3-2-90b-instruct-v1:0 \
         bedrock/meta.llama2-13b-chat-v1 groq/llama3-8b-8192 together_ai/meta-llama/Llama-3-8b \
         accounts/fireworks/models/llama-v3p1-8b-instruct @cf/meta/llama-3-8b-instruct \
         vertex_ai/meta/llama-3.1-405b-instruct-maas",
    ),
    (
        "mistral",
        "mistral-large-latest mistral-7b-instruct mixtral-8x7b-instruct codestral-2405 \
         ministral-8b-latest pixtral-12b magistral-medium open-mistral-nemo open-mixtral-8x22b \
         mistral/mistral-small mistralai/Mistral-7B-v0.1 mistral.mistral-large-2402-v1:0 \
         eu.mistral.pixtral-large-2502-v1:0 vertex_ai/mistral-large@2407 azure_ai/mistral-large",
    ),
    (
        "amazon",
        "amazon.titan-text-express-v1 amazon.nova-pro-v1:0 us.amazon.nova-lite-v1:0 nova-micro-v1 \
         titan-embed-text-v2 amazon/chronos-t5-small bedrock/amazon.titan-embed-text-v1 \
         bedrock/ai21.j2-ultra-v1 sagemaker/our-endpoint \
         arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdef \
         arn:aws-us-gov:bedrock:us-gov-west-1:1:custom-model/x",
    ),
    (
        "xai",
        "grok-2 grok-beta grok-4-0709 xai/grok-3 x-ai/grok-code-fast-1 xai-org/grok-1",
    ),
    (
        "deepseek",
        "deepseek-chat deepseek-reasoner deepseek-r1:14b deepseek/deepseek-chat deepseek.r1-v1:0 \
         us.deepseek.r1-v1:0 deepseek-ai/DeepSeek-R1-Distill-Qwen-32B ollama/deepseek-coder",
    ),
    (
        "qwen",
        "qwen-max qwen2.5-72b-instruct qwen3:8b Qwen/Qwen2.5-Coder-32B qwq-32b qvq-72b-preview \
         codeqwen1.5-7b dashscope/qwen-plus alibaba/qwen-turbo qwen.qwen3-32b-v1:0",
    ),
    (
        "azure",
        "azure/our-deployment azure_ai/phi-4 azureml/registries/x/models/phi-3",
    ),
];

/// What only looks like a maker's, and what is nobody's in the table.
const UNINFERRED: &str = "our-own-scorecard o12 o1x o11-mini odd adaptive-risk adamw-baseline \
    commander titanic-survival grokking-study titans gpt-j-6b gpt-neox-20b gpt4all-13b \
    EleutherAI/gpt-neo-2.7B palmer ayahuasca bardolino command2 phi-4 phi-3-mini falcon-7b \
    stability.stable-diffusion-xl us.ai21.jamba ai21/jamba-1.5 microsoft/phi-2 rerank-lite-1 \
    us. . / // us.anthropic anthropic openai cohere a/b/c .anthropic.claude- text-embedding-006 \
    novar-1 curieux davincis";

#[test]
fn providers_are_inferred_as_the_table_says() {
    let mut count = 0;
    for (provider, identifiers) in TABLE {
        for identifier in identifiers.split_whitespace() {
            assert_eq!(infer(identifier), Some(*provider), "{identifier}");
            count += 1;
        }
    }
    assert!(count > 150, "{count} identifiers");
}

#[test]
fn what_only_looks_like_a_makers_is_not_inferred() {
    for identifier in UNINFERRED.split_whitespace() {
        assert_eq!(infer(identifier), None, "{identifier}");
    }
    assert_eq!(infer(""), None);
    assert_eq!(infer("   "), None);
}

#[test]
fn no_word_stands_in_two_rows_of_a_table() {
    for table in [NAMES, OWNERS, PLATFORMS] {
        let mut words: Vec<_> = table
            .iter()
            .flat_map(|(_, words)| words.split(' '))
            .collect();
        assert!(words.iter().all(|word| !word.is_empty()), "{words:?}");
        words.sort_unstable();
        assert!(words.is_sorted_by(|a, b| a < b), "{words:?}");
    }
}

proptest! {
    #[test]
    fn case_and_surrounding_space_make_no_difference(text in "[a-z0-9./:@-]{0,24}") {
        let shouted = format!("  {} ", text.to_uppercase());
        prop_assert_eq!(infer(&shouted), infer(&text));
    }

    #[test]
    fn no_identifier_makes_it_panic_or_leave_the_vocabulary(text in "\\PC{0,40}") {
        let makers = [NAMES, OWNERS, PLATFORMS].concat();
        if let Some(provider) = infer(&text) {
            prop_assert!(makers.iter().any(|(maker, _)| *maker == provider));
        }
    }
}
