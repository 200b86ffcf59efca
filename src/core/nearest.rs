//! Finds the name that was probably meant, for hints.

/// The hint that names the candidate closest to `name`; `None` if no candidate is close.
#[must_use]
pub fn did_you_mean<'c, N>(name: &str, candidates: impl IntoIterator<Item = &'c N>) -> Option<String>
where
    N: AsRef<str> + ?Sized + 'c,
{
    nearest(name, candidates).map(|near| format!("Did you mean \"{near}\"?"))
}

/// The candidate closest to `name`, if at most a third of its characters are mistyped.
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
        // Computing the distance takes time in proportion to the product of both lengths. It is at least the difference
        // in length.
        .filter(|(lower, _)| lower.chars().count().abs_diff(length) <= reach)
        .map(|(lower, candidate)| (strsim::osa_distance(&wanted, &lower), candidate))
        .filter(|(distance, _)| *distance <= reach)
        .min()
        .map(|(_, candidate)| candidate)
}
