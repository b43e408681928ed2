//! One file per behaviour; the folder's listing is what the product promises.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test tells its failure by panicking"
)]
#![allow(unreachable_pub, missing_docs, reason = "nothing imports a test binary")]

mod a_broken_controller_costs_one_fetch;
mod a_broken_start_serves_nobody;
mod a_domain_controller_says_who_passes;
mod a_restart_refuses_nobody;
mod a_scanner_finds_nothing;
mod a_stalled_side_holds_little;
mod accounts_are_judged;
mod admitted_client_has_a_tunnel;
mod bytes_arrive_unchanged;
mod controllers_are_met_as_configured;
mod corpora_replay;
mod curl_meets_the_gateway;
mod directory_changes_count_soon;
mod domains_age_by_themselves;
mod every_byte_survives_speed;
mod every_end_is_passed_on_and_named;
mod every_session_is_written_down_once;
mod gnutls_meets_the_gateway;
mod hostile_certificates_end_before_openssl;
mod hostile_connections_end_in_their_label;
mod keys_end_or_are_renewed;
mod limits_end_in_their_label;
mod log_lines_cannot_be_forged;
mod manual_holds_together;
mod nothing_is_fetched_for_a_stranger;
mod nothing_is_resumed;
mod only_the_legal_request_passes;
mod openssl_meets_the_gateway;
mod operators_command_a_running_gateway;
mod pages_and_parts_are_put_together;
mod public_suites_through_explain;
mod refused_clients_never_reach_a_server;
mod refused_passwords_lock_nobody_out;
mod reload_judges_live_tunnels_again;
mod reload_under_load_loses_nothing;
mod sample_configuration;
mod secrets_stay_secret;
mod server_names_choose_the_site;
mod servers_that_fail_are_passed_over;
mod service_manager_is_told;
mod strangers_cost_next_to_nothing;
mod support;
mod the_gateway_proves_itself_to_servers;
mod the_house_is_in_order;
mod the_next_controller_takes_over;
mod the_process_drains_on_a_signal;
mod thousands_leave_nothing_behind;
mod traps_are_covered;
mod trust_data_must_be_sound;
mod tunnels_end_when_they_should;
mod unserved_clients_are_explained;
mod windows_clients_are_served;
mod wrong_configurations;
