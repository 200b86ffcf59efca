//! Names that were probably meant, for hints.

/// The hint at the candidate that is much like `name`; `None` where none is.
#[must_use]
pub fn did_you_mean<'c, N>(name: &str, candidates: impl IntoIterator<Item = &'c N>) -> Option<String>
where
    N: AsRef<str> + ?Sized + 'c,
{
    nearest(name, candidates).map(|near| format!("Did you mean \"{near}\"?"))
}

/// The candidate that `name` was probably meant to be: at most a third of it is mistyped.
#[must_use]
pub fn nearest<'c, N>(name: &str, candidates: impl IntoIterator<Item = &'c N>) -> Option<&'c str>
where
    N: AsRef<str> + ?Sized + 'c,
{
    let wanted = name.to_lowercase();
    let length = wanted.chars().count();
    let reach = (length / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (candidate.as_ref().to_lowercase(), candidate.as_ref()))
        // The distance is at least the difference in length, and takes time in proportion to the product of both lengths.
        .filter(|(lower, _)| lower.chars().count().abs_diff(length) <= reach)
        .map(|(lower, candidate)| (strsim::osa_distance(&wanted, &lower), candidate))
        .filter(|(distance, _)| *distance <= reach)
        .min()
        .map(|(_, candidate)| candidate)
}
