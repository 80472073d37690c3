//! Owns the checks of the contract of a store: one suite that runs on both stores.
//!
//! - [`harness`]: the trait of a store under test, and helpers for the checks
//! - [`redis_bench`]: a Redis server for one check
//! - [`claims`]: which worker gets which job, and in what order
//! - [`outcomes`]: which outcomes are accepted, and what they change
//! - [`leases`]: heartbeats, expired leases, absences
//! - [`recover`]: commands that put back the jobs of lost workers
//! - [`idle`]: how an idle worker learns of new work
//! - [`sweeps`]: submit, cancel, requeue, remove; [`staging`]: staged sweeps; [`history`]: logs, columns, outputs, spans
//! - [`inputs`]: files that can change the results of a sweep
//! - [`model`] and [`random`]: a small model of the contract in memory, and random requests to which the store and the
//!   model must give the same replies
//! - [`scrambled`]: stores into which another program has written
//! - [`sqlite_only`] and [`sqlite_time`]: faults that only the embedded store can have

// Clippy allows `unwrap` in tests, but not in functions that tests call. A list of one range is intended.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::single_range_in_vec_init)]

mod claims;
mod harness;
mod history;
mod idle;
mod inputs;
mod leases;
mod model;
mod outcomes;
mod random;
mod recover;
mod redis_bench;
mod scrambled;
mod sqlite_only;
mod sqlite_time;
mod staging;
mod sweeps;

/// Makes a test of every check for one kind of store. `$fresh` creates a [`harness::Bench`] with a new, empty store.
macro_rules! contract {
    ($kind:ident, $fresh:expr) => {
        contract!($kind, $fresh, [
            claims::two_hundred_workers_claim_each_of_ten_thousand_jobs_once,
            claims::claims_are_given_from_the_smallest_index,
            claims::queues_are_served_in_order_and_the_oldest_sweep_first,
            claims::a_scope_of_one_sweep_ignores_queues,
            claims::a_paused_sweep_gives_no_claims,
            claims::excluded_sweeps_give_no_claims,
            claims::a_worker_pauses_a_sweep_only_if_nobody_has_paused_or_resumed_it,
            claims::a_huge_sweep_is_submitted_at_once,
            outcomes::a_verdict_moves_its_point,
            outcomes::a_delayed_point_that_is_due_is_claimed_first,
            outcomes::a_stale_outcome_is_refused,
            outcomes::a_late_outcome_is_accepted_until_the_job_is_claimed_again,
            outcomes::a_late_success_replaces_a_failure_by_loss,
            outcomes::a_late_retry_does_not_undo_a_cancel,
            outcomes::a_claim_has_one_outcome,
            outcomes::a_claim_returned_before_its_start_leaves_no_trace,
            outcomes::a_report_with_one_stale_entry_is_refused_as_a_whole,
            outcomes::a_report_that_names_an_index_twice_is_refused,
            outcomes::an_exchange_is_applied_once,
            outcomes::attempt_counts_continue_from_claim_to_claim,
            outcomes::an_outcome_of_another_submission_is_stale,
            leases::expired_counts_names_the_sweeps_whose_leases_have_run_out,
            leases::an_expired_claim_is_found_and_its_job_claimed_again,
            leases::leases_are_checked_once_a_second,
            leases::a_heartbeat_renews_only_the_claims_that_it_names,
            leases::a_claim_that_holds_cannot_be_reported_lost,
            leases::an_absence_counts_against_no_lease,
            leases::an_absence_does_not_prolong_a_later_claim,
            leases::a_heartbeat_reports_claims_of_a_paused_sweep_until_they_are_started,
            leases::leases_of_a_dead_worker_end_at_once,
            leases::an_absence_prolongs_no_lease_of_a_dead_worker,
            leases::workers_are_listed_until_they_unregister,
            recover::jobs_of_a_dead_worker_are_put_back_although_the_leases_were_just_checked,
            recover::nobody_waits_for_jobs_that_a_live_worker_runs,
            recover::after_an_absence_a_worker_can_return_before_its_jobs_are_put_back,
            recover::a_frozen_worker_finds_its_claims_lost_and_its_outcome_counts_once,
            recover::commands_and_a_worker_at_the_same_time_record_each_job_once,
            idle::an_idle_worker_is_told_of_new_work,
            idle::a_waiter_for_one_sweep_is_told_of_its_end,
            idle::a_wait_ends_when_it_is_stopped,
            sweeps::sweep_numbers_increase_and_are_never_used_again,
            sweeps::a_row_has_what_was_submitted,
            sweeps::cancel_empties_the_queue_and_marks_the_leases,
            sweeps::requeue_puts_back_failed_and_cancelled_points,
            sweeps::a_resume_records_how_many_points_have_failed,
            sweeps::rerun_puts_back_a_succeeded_point_and_its_attempts_continue,
            sweeps::requeue_of_a_huge_cancelled_range_is_quick,
            sweeps::remove_needs_force_while_jobs_are_leased,
            sweeps::backlog_counts_the_jobs_left_to_run,
            sweeps::backlog_names_at_most_a_hundred_paused_sweeps,
            history::columns_are_in_order_of_first_appearance,
            history::outputs_are_kept_by_attempt,
            history::logs_are_kept_by_block_in_order,
            history::compact_replaces_the_start_of_a_log_once_and_keeps_later_chunks,
            history::spans_are_read_in_pages,
            sweeps::an_unknown_sweep_is_named_in_the_error,
            staging::a_staged_sweep_is_visible_after_its_commit,
            staging::a_staged_sweep_with_nothing_to_run_gives_no_claims,
            staging::a_staged_sweep_that_lacks_points_is_refused,
            staging::of_two_staged_sweeps_of_one_request_the_first_commit_counts,
            staging::the_document_and_the_queue_of_a_sweep_can_be_replaced,
            inputs::the_first_writer_of_an_input_decides,
            inputs::an_observed_attempt_without_inputs_is_recorded,
            inputs::inputs_beyond_the_limit_are_counted,
            inputs::inputs_end_with_their_sweep,
            inputs::a_sweep_can_begin_with_inputs,
            inputs::a_new_version_replaces_the_inputs,
            random::random_requests_get_the_replies_of_the_model,
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
