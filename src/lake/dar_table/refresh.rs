//! One refresh: what is there now is compared with what the table stands on, the difference is worked in, committed.

use std::time::Instant;

use datafusion::error::Result;
use datafusion::prelude::SessionContext;

use super::attempt::Attempt;
use super::lock::Lock;
use super::summary::Summary;
use crate::domain::day::Day;
use crate::error;
#[cfg(feature = "cluster")]
use crate::lake::elsewhere::Elsewhere;

/// How often a run that another writer has overtaken starts again.
const ATTEMPTS: usize = 10;

/// What is asked of a refresh.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refresh {
    /// Forget what was read, and make the table anew.
    pub(crate) full: bool,
    /// Say what would be done, and write nothing.
    pub(crate) dry_run: bool,
    /// The invoices that are compared are those of this day.
    pub(crate) as_of: Option<Day>,
    /// The first local day that is refreshed.
    pub(crate) since: Option<Day>,
    /// The first local day after those that are refreshed.
    pub(crate) until: Option<Day>,
    /// Works as on a store, which has no locks, where the table is in a folder of this machine too.
    pub(crate) without_lock: bool,
}

/// Refreshes the table that the session's configuration names.
///
/// # Errors
///
/// No table is named; what is wrong with messages, sites or switches; a change that reaches everything; a table that
/// cannot be read or written. The table is then as it was.
pub(crate) async fn refresh(ctx: &SessionContext, asked: &Refresh) -> Result<Summary> {
    let started = Instant::now();
    // A session of its own, in which the table is looked for whatever the options say.
    let state = ctx.state();
    // What does not grow with the messages is not worth sending; the fold of the files is sent all the same.
    #[cfg(feature = "cluster")]
    let state = match Elsewhere::of(&state) {
        Some(elsewhere) => elsewhere.0.alone(&state),
        None => state,
    };
    let ctx = SessionContext::new_with_state(state);
    ctx.state_ref()
        .write()
        .config_mut()
        .options_mut()
        .set("dayrate.dar_table", "on")?;
    let mut lock = None;
    for _ in 0..ATTEMPTS {
        let attempt = Attempt::new(&ctx, asked).await?;
        let may_lock = !asked.dry_run && !asked.without_lock;
        if let (None, true, Some(folder)) = (&lock, may_lock, &attempt.place.local) {
            lock = Some(Lock::take(folder, &attempt.place.name)?);
        }
        let is_alone = lock.as_ref().is_some_and(|lock| lock.is_alone);
        if let Some(mut summary) = attempt.run(&ctx, asked, is_alone).await? {
            summary.milliseconds = started.elapsed().as_millis();
            return Ok(summary);
        }
    }
    Err(error::data(format!(
        "other writers were faster {ATTEMPTS} times; nothing was written by this run. Run one refresh at a time"
    )))
}
