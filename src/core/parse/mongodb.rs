//! Operators of MongoDB that the language does not have.

/// Operators of MongoDB that mean something alike, and what to use in their place.
#[derive(Debug)]
pub struct Missing {
    /// Their names, separated by blanks
    pub names: &'static str,
    /// What to use in their place, as a sentence with Markdown's code in it
    pub instead: &'static str,
}

/// The operators of MongoDB's queries that the language does not have, and those of its other languages that people
/// try in a query.
pub static MISSING: &[Missing] = &[
    Missing {
        names: "$where $function $accumulator",
        instead: "Conditions run no JavaScript. Compare fields by `$expr`, or keep what the function computes in a property.",
    },
    Missing {
        names: "$text $search",
        instead: "There is no index of words. Use `$contains` or `$regex`, each with `\"$options\": \"i\"` to ignore case.",
    },
    Missing {
        names: "$near $nearSphere $geoWithin $geoIntersects $geometry $box $center $centerSphere $polygon $maxDistance $minDistance $uniqueDocs",
        instead: "There are no places. Compare coordinates by bounds (`{\"lat\": {\"$gte\": 52.3, \"$lte\": 52.7}}`), or keep the region as a property.",
    },
    Missing { names: "$jsonSchema", instead: "Ask for each field by itself, with `$exists`, `$type` and bounds." },
    Missing {
        names: "$bitsAllSet $bitsAllClear $bitsAnySet $bitsAnyClear",
        instead: "Keep each flag as a boolean property, or all of them as an array of strings; `{\"$mod\": [2, 1]}` asks for the lowest bit.",
    },
    Missing { names: "$rand $sampleRate", instead: "Use `$bucket`: a share of the contacts that stays the same." },
    Missing {
        names: "$binary $timestamp $minKey $maxKey $code $symbol $undefined $dbPointer",
        instead: "JSON has no such value. Write a string, a number, or a date as `{\"$date\": \"2024-01-31\"}`; a uuid is a string.",
    },
    Missing {
        names: "$ref $db",
        instead: "References between documents are not followed. Compare the id that is stored.",
    },
    Missing {
        names: "$meta $slice $natural $hint $orderby $query $explain",
        instead: "A condition says who is in a segment, and nothing of how contacts are found, ordered or shown.",
    },
    Missing {
        names: "$cond $ifNull $switch $let $add $subtract $multiply $divide $abs $ceil $floor $round $pow $sqrt $concat $toLower $toUpper $substr $strLenCP $toString $toInt $toDate $dateDiff $dateAdd $dateSubtract $dateToString $arrayElemAt $reduce $map $getField",
        instead: "Conditions compute no values. `$expr` compares fields as they are, `{\"$options\": \"i\"}` ignores case, and `$period` and `$anniversary` are for calendars; keep other results in a property.",
    },
    Missing {
        names: "$lookup $group $project $sort $limit $unwind",
        instead: "A condition is no pipeline. Keep what it would compute in a property.",
    },
    Missing { names: "$set $unset $inc $push $pull $addToSet $rename", instead: "A condition changes nothing." },
];

/// What to use in place of an operator of MongoDB that the language does not have.
pub(super) fn instead(name: &str) -> Option<String> {
    let missing = MISSING.iter().find(|missing| missing.names.split(' ').any(|other| other == name))?;
    Some(missing.instead.replace('`', ""))
}

/// The table as Markdown, for the documentation.
#[must_use]
pub fn markdown_table() -> String {
    let mut table = String::from("| not here | instead |\n|---|---|\n");
    for Missing { names, instead } in MISSING {
        let names: Vec<String> = names.split(' ').map(|name| format!("`{name}`")).collect();
        table.push_str(&format!("| {} | {instead} |\n", names.join(" ")));
    }
    table
}
