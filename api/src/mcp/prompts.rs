//! Prompts: three ways into the tools, with completion of their arguments.

use crate::front::Front;
use crate::plan::nearest;
use crate::scores::Query;
use crate::service::Pages;
use rmcp::model::{
    ArgumentInfo, CacheScope, CompleteResult, CompletionInfo, ErrorData, GetPromptResult, JsonObject,
    ListPromptsResult, Prompt, PromptArgument, PromptMessage, Reference, Role,
};
use serde_json::Value;
use shared::failure::Failure;
use shared::principal::Principal;
use std::collections::BTreeSet;
use worker::analyse::ANALYSES;

/// Values that one completion gives.
const COMPLETIONS: usize = CompletionInfo::MAX_VALUES;

struct Told {
    name: &'static str,
    about: &'static str,
    /// Name, description, whether it is required.
    arguments: &'static [(&'static str, &'static str, bool)],
}

static PROMPTS: [Told; 3] = [
    Told {
        name: "analyse_corpus",
        about: "Analyse a whole corpus and sum it up",
        arguments: &[
            ("corpus", "Name of the corpus", true),
            ("analysis", "What to ask; key by default", false),
        ],
    },
    Told {
        name: "compare_pieces",
        about: "Compare the pieces of a composer, or two scores",
        arguments: &[
            ("composer", "Whose pieces", true),
            ("analysis", "What to compare; key by default", false),
        ],
    },
    Told {
        name: "explain_result",
        about: "Explain the rows of a finished job to a musician",
        arguments: &[("job", "Handle of the job", true)],
    },
];

pub(super) fn listed() -> ListPromptsResult {
    let prompts = PROMPTS.iter().map(|told| {
        let arguments = told.arguments.iter().map(|(name, about, required)| {
            PromptArgument::new(*name).with_description(*about).with_required(*required)
        });
        Prompt::new(told.name, Some(told.about), Some(arguments.collect()))
    });
    ListPromptsResult { prompts: prompts.collect(), ..ListPromptsResult::default() }
        .with_ttl_ms(3_600_000)
        .with_cache_scope(CacheScope::Public)
}

/// A prompt with its arguments filled in.
pub(super) fn filled(name: &str, arguments: &JsonObject) -> Result<GetPromptResult, ErrorData> {
    let wrong = |message: String| ErrorData::invalid_params(message, None);
    let Some(told) = PROMPTS.iter().find(|told| told.name == name) else {
        let names = PROMPTS.each_ref().map(|told| told.name);
        let hint = nearest(name, &names).map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
        return Err(wrong(format!("there is no prompt {name:?}{hint} There are: {}", names.join(", "))));
    };
    let given = |name: &str| arguments.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    for (argument, about, required) in told.arguments {
        if *required && given(argument).is_none() {
            return Err(wrong(format!("{name} needs {argument:?}: {about}")));
        }
    }
    let analysis = given("analysis").unwrap_or("key");
    let text = match name {
        "analyse_corpus" => {
            let corpus = given("corpus").unwrap_or_default();
            format!(
                "Analyse the corpus {corpus:?} with Ripieno. 1. analysis_catalog {{\"analyses\":[{analysis:?}]}} for what \
                 it measures. 2. analysis_run {{\"corpus\":{corpus:?},\"analyses\":[{analysis:?}]}}; if it is not done, \
                 jobs_get with wait_s 45 until it is. 3. jobs_results, page by page, with fields and where rather than \
                 everything. 4. Sum up: what is usual, what stands out, how many scores failed or were degraded and why. \
                 Name the analysis and its reference; do not count by hand what a condition can count."
            )
        }
        "compare_pieces" => {
            let composer = given("composer").unwrap_or_default();
            format!(
                "Compare pieces of {composer:?} with Ripieno. 1. scores_search {{\"composer\":{composer:?}}}. 2. analysis_run \
                 with the handles and analyses [{analysis:?}, \"summary\"]. 3. Set the rows side by side, say which \
                 differences are large for the column's unit, and which scores were degraded."
            )
        }
        _ => {
            let job = given("job").unwrap_or_default();
            format!(
                "Explain the results of the job {job:?} of Ripieno to a musician. 1. jobs_get {{\"job\":{job:?}}}. \
                 2. jobs_results for the rows. 3. analysis_catalog with the names of its analyses, for what the columns \
                 mean. Then say in plain words what was found, with an example, what the method cannot tell, and what \
                 failed."
            )
        }
    };
    Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]).with_description(told.about))
}

/// Values of an argument that begin as it was begun.
pub(super) async fn complete(
    front: &Front,
    principal: &Principal,
    of: &Reference,
    argument: &ArgumentInfo,
) -> Result<CompleteResult, Failure> {
    let begun = argument.value.to_lowercase();
    let mut values: Vec<String> = match (of, argument.name.as_str()) {
        (Reference::Prompt(_), "analysis") => {
            ANALYSES.iter().map(|analysis| analysis.spec().name.to_owned()).collect()
        }
        (Reference::Prompt(_), "corpus") => front.scores.corpora(principal).await?,
        (Reference::Prompt(_), "composer") => {
            let query = Query { composer: argument.value.clone(), limit: 1_000, ..Query::default() };
            let found = front.scores.search(principal, &query).await?;
            let composers = found.cards.iter().filter_map(|card| card.composer.clone());
            // What was begun may stand inside a name: "Bach" in "J. S. Bach".
            return Ok(completion(composers.collect::<BTreeSet<_>>().into_iter().collect()));
        }
        (Reference::Prompt(_), "job") => jobs(front, principal).await?,
        (Reference::Resource(template), "id") if template.uri.starts_with("score://") => {
            let query = Query { limit: COMPLETIONS, ..Query::default() };
            let found = front.scores.search(principal, &query).await?;
            found.cards.iter().map(|card| card.id.to_string()).collect()
        }
        (Reference::Resource(_), "id") => jobs(front, principal).await?,
        _ => Vec::new(),
    };
    values.retain(|value| value.to_lowercase().starts_with(&begun));
    Ok(completion(values))
}

async fn jobs(front: &Front, principal: &Principal) -> Result<Vec<String>, Failure> {
    let listed = front.service.list_jobs(principal, &Pages { cursor: None, limit: 20 }).await?;
    Ok(listed.entries.iter().map(|status| status.record.id.to_string()).collect())
}

fn completion(mut values: Vec<String>) -> CompleteResult {
    let total = u32::try_from(values.len()).unwrap_or(u32::MAX);
    let more = values.len() > COMPLETIONS;
    values.truncate(COMPLETIONS);
    let info = CompletionInfo::with_pagination(values, Some(total), more).unwrap_or_default();
    CompleteResult::new(info)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn prompts_name_their_tools_and_teach_what_is_missing() {
        for told in &PROMPTS {
            let all = told.arguments.iter().map(|(name, ..)| ((*name).to_owned(), json!("some")));
            let prompt = serde_json::to_string(&filled(told.name, &all.collect()).unwrap()).unwrap();
            assert!(prompt.contains("jobs_") || prompt.contains("analysis_run"), "{prompt}");
            let refused = filled(told.name, &JsonObject::new()).unwrap_err().message;
            assert!(refused.contains(told.arguments.first().unwrap().0), "{refused}");
        }
        let refused = filled("compare_peaces", &JsonObject::new()).unwrap_err().message;
        assert!(refused.contains("did you mean \"compare_pieces\"?"), "{refused}");
    }
}
