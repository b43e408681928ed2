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
mod a_domain_controller_decides_who_passes;
mod a_refused_password_is_not_tried_again;
mod a_restart_refuses_nobody;
mod a_scanner_finds_nothing;
mod a_stalled_side_holds_little;
mod accounts_are_judged;
mod admitted_client_has_a_tunnel;
mod bytes_arrive_unchanged;
mod controllers_are_verified_as_configured;
mod corpora_replay;
mod curl_gets_the_right_answer;
mod directory_changes_take_effect_soon;
mod each_domain_has_its_own_age;
mod every_byte_survives_speed;
mod every_end_is_passed_on_and_labelled;
mod every_session_has_one_record;
mod gnutls_clients_are_served;
mod hostile_certificates_end_before_openssl;
mod hostile_connections_end_with_their_label;
mod ldap_pages_and_ranges_are_merged;
mod limits_end_with_their_label;
mod log_lines_cannot_be_forged;
mod manual_holds_together;
mod nothing_is_fetched_for_an_unauthenticated_client;
mod nothing_is_resumed;
mod only_the_legal_request_passes;
mod openssl_clients_are_served;
mod operators_command_a_running_gateway;
mod public_suites_through_explain;
mod refused_clients_never_reach_a_server;
mod reload_judges_live_tunnels_again;
mod reload_under_load_loses_nothing;
mod sample_configuration;
mod secrets_stay_secret;
mod server_names_choose_the_site;
mod servers_that_fail_are_passed_over;
mod service_manager_is_notified;
mod support;
mod the_gateway_proves_itself_to_servers;
mod the_house_is_in_order;
mod the_manuals_figures_are_the_codes;
mod the_next_controller_is_asked_when_one_fails;
mod the_process_drains_on_a_signal;
mod thousands_leave_nothing_behind;
mod tls_keys_are_renewed_or_end_the_tunnel;
mod traps_are_covered;
mod trust_data_must_be_sound;
mod tunnels_end_when_they_should;
mod unauthenticated_clients_cost_next_to_nothing;
mod unserved_clients_are_explained;
mod windows_clients_are_served;
mod wrong_configurations;
