//! Owns the contract of a store as checks: one suite, run against every store there is.
//!
//! - [`harness`]: what a store must offer to be checked, and the hands that the checks use;
//! - [`redis_bench`]: a Redis server for one check;
//! - [`claims`]: who gets which job, and in what order;
//! - [`outcomes`]: which outcomes are accepted, and what they do;
//! - [`leases`]: signs of life, lost claims, time that counts against nobody;
//! - [`idle`]: how an idle worker learns of new work;
//! - [`sweeps`]: putting in, cancelling, putting back, removing, reading;
//! - [`model`] and [`random`]: the contract once more as a small model in memory, and random requests that both must
//!   answer alike;
//! - [`scrambled`]: a store in which something else wrote;
//! - [`sqlite_only`]: what only the embedded store can get wrong.

// Clippy lets tests unwrap, but not the functions that tests are made of; and a list of one range is what is meant.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::single_range_in_vec_init)]

mod claims;
mod harness;
mod idle;
mod leases;
mod model;
mod outcomes;
mod random;
mod redis_bench;
mod scrambled;
mod sqlite_only;
mod staging;
mod sweeps;

/// Runs every check against a kind of store; `$fresh` makes a [`harness::Bench`] around a new, empty one.
macro_rules! contract {
    ($kind:ident, $fresh:expr) => {
        contract!($kind, $fresh, [
            claims::two_hundred_claimers_take_each_of_ten_thousand_jobs_once,
            claims::claims_are_given_from_the_smallest_index,
            claims::queues_are_served_in_order_and_the_oldest_sweep_first,
            claims::a_scope_of_one_sweep_ignores_queues,
            claims::a_paused_sweep_gives_no_claims,
            claims::excepted_sweeps_give_no_claims,
            claims::a_worker_pauses_what_nobody_has_paused_or_resumed,
            claims::a_huge_sweep_is_put_in_at_once,
            outcomes::points_move_as_the_verdict_says,
            outcomes::a_delayed_point_comes_due_and_is_given_first,
            outcomes::a_stale_outcome_is_refused,
            outcomes::a_late_outcome_is_accepted_while_nobody_claimed_the_job_again,
            outcomes::a_late_success_counts_for_a_job_given_up_as_failed,
            outcomes::a_late_retry_does_not_undo_a_cancel,
            outcomes::a_claim_has_one_outcome,
            outcomes::a_claim_given_back_unstarted_leaves_no_trace,
            outcomes::a_group_with_one_stale_entry_is_refused_whole,
            outcomes::one_index_twice_in_a_group_is_refused,
            outcomes::a_request_is_applied_once,
            outcomes::what_a_claim_says_of_attempts_goes_on,
            outcomes::an_outcome_of_another_submission_is_stale,
            leases::who_looks_sees_which_leases_have_run_out,
            leases::a_lost_claim_is_found_and_claimed_again,
            leases::expired_claims_are_looked_for_once_a_second,
            leases::only_the_claims_named_are_renewed,
            leases::a_claim_that_holds_cannot_be_reported_lost,
            leases::time_in_which_nobody_looked_counts_against_nobody,
            leases::a_claim_made_after_a_long_silence_holds_no_longer_than_others,
            leases::a_claim_of_a_paused_sweep_is_told_until_it_is_started,
            leases::the_claims_of_a_dead_worker_run_out_at_once,
            leases::what_was_abandoned_stays_so_whoever_was_away,
            leases::workers_are_listed_until_they_retire,
            idle::an_idle_worker_hears_of_new_work,
            idle::whoever_waits_for_one_sweep_hears_of_its_end,
            idle::a_wait_ends_when_it_is_stopped,
            sweeps::numbers_count_up_and_are_never_used_again,
            sweeps::a_row_tells_what_was_submitted,
            sweeps::cancel_empties_the_queue_and_marks_the_claims,
            sweeps::requeue_puts_back_what_failed_or_is_cancelled,
            sweeps::what_had_failed_is_forgiven_when_the_sweep_is_resumed,
            sweeps::a_success_is_set_aside_by_name_and_attempts_count_on,
            sweeps::requeue_of_a_huge_cancelled_range_is_quick,
            sweeps::remove_wants_force_while_jobs_are_claimed,
            sweeps::backlog_counts_what_there_is_to_do,
            sweeps::columns_stand_in_order_of_first_appearance,
            sweeps::outputs_are_kept_by_attempt,
            sweeps::logs_are_kept_by_block_in_order,
            sweeps::the_beginning_of_a_log_is_replaced_once_and_what_came_since_stays,
            sweeps::spans_are_read_in_pages,
            sweeps::a_sweep_that_is_not_there_is_named,
            staging::a_sweep_in_the_making_is_seen_when_it_is_put_in,
            staging::one_with_nothing_left_to_run_is_never_claimed_from,
            staging::one_that_lacks_points_is_refused,
            staging::of_two_that_are_made_of_one_request_the_first_stands,
            staging::a_sweep_takes_another_document_and_queue,
            random::random_requests_are_answered_as_the_model_does,
        ]);
    };
    ($kind:ident, $fresh:expr, [$($module:ident :: $check:ident),* $(,)?]) => {
        mod $kind {
            $(#[test]
            fn $check() {
                crate::$module::$check(&$fresh);
            })*
        }
    };
}

contract!(sqlite, crate::harness::SqliteBench::fresh());
contract!(redis, crate::redis_bench::RedisBench::fresh());
