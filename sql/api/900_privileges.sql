-- Ownership and privileges, set anew by every install and upgrade: pg_dump carries neither for members of an
-- extension. A new function is private until its name stands in one of the lists.

DO $privileges$
DECLARE
    -- Anybody with asymm_reader: looking.
    v_reader text[] := ARRAY[
        'to_cost', 'annotate', 'annotation', 'annotation_json', '_require_annotation', '_annotation_fault',
        'amplify', 'harmonize', 'propagate', 'resolve', 'amplify_all', 'harmonize_all', 'resolve_all', '_entries', '_shared_entries', '_leads',
            '_present', '_amplify_all', '_harmonize_all', '_resolve_all',
        'fidelity', 'freshness', 'attenuation', 'horizon', '_require_share', '_require_regime', '_loss', '_faded',
        'context', 'context_state', 'context_apply', 'context_resolve', 'context_all', '_context_all', 'arbitrate', '_scores', '_require_witnesses',
        'fingerprint', 'fingerprint_schema', 'fingerprint_database', 'action_history', 'history', '_sees_statements', '_sees_advice', '_hazards',
            '_object_display', '_own_steps',
        'doctor', '_doctor_server', '_doctor_extensions', '_doctor_roles', '_doctor_jobs', '_doctor_loops',
            '_doctor_healing', '_doctor_mirror', '_doctor_audit', '_doctor_masked', '_doctor_erasure',
            '_doctor_alerts', 'verify_audit', '_audit_faults', '_audit_state',
        'mirror_status', '_mirror_memory', '_mirror_slot', '_wal_end',
        '_measured_growth',
        'content_hash', 'content_hash_expression', 'content_hashes', '_canonical_json', '_hash_fields', '_hash_field', '_hash_of', '_as_row',
            '_field_types', '_types_of_record', '_plain_type', '_hash_record', '_hash_columns', '_hash_of_columns', '_require_rows',
            '_content_columns',
        'find_duplicates', 'duplicate_report', 'find_near_duplicates', '_key_expression', '_duplicate_columns', '_count_duplicates', '_normalised',
        'query_dependencies', '_query_tree', '_is_one_statement', '_tree_parts', '_tree_fault', '_tree_reads', '_holds_times', '_clock_fault',
            '_protected_columns', '_touched_protected', '_protects', '_unrecorded', '_without_values', 'unhashed', '_masked_methods',
            '_require_relation', '_relation_kind',
            '_mirrored', '_mirror_kind_fault', '_unsteady_function', '_unkept_relation', '_require_text', '_count_reads',
        'impact', 'path', 'route', 'annotation_of', '_seen_lineage', '_lineage_faults',
        'series', 'latency_changes', '_statement_times', '_percentile_ms', '_without_parameters', '_bare_statement',
        'state_sonar', 'ux_ping', 'ux_echo', 'ux_sonar', 'semantic_ping', 'semantic_echo', 'semantic_sonar', 'health', 'balance', 'explain_score',
            'leverage', 'sonar', 'validate', 'draw', 'knowledge', '_database_now', '_lock_waits', '_verdict',
        'policy_for', '_rule_conditions', '_index_progress',
        'get_entity', 'query_entities', 'entity_history', '_annotation_filter', '_entity_at', '_find_entities', '_entity_versions', '_records_reads',
            '_record_read',
        '_alive', '_healing', '_is_pg_cron', '_cron_is_serial', '_jobs_wanted', '_job_name', '_setting_of', '_cron_jobs',
            '_scheduler_alive', '_actor_faults', '_role_powers'];
    -- asymm_operator: declaring and deciding.
    v_operator text[] := ARRAY[
        'configure', 'configure_indexes', 'configure_annotations', 'configure_entities', 'settle', 'autopilot', 'watch', 'watch_schema',
            'watch_database', 'unwatch', 'unwatch_schema', 'unwatch_database', 'adopt', 'heal', 'approve',
            'reject', 'revert',
        'configure_encore',
        'configure_graph', 'refresh_graph', 'unannotate', 'declare_flow', 'undeclare_flow', 'accept_annotation', 'reject_annotation',
        'mirror', 'unmirror', 'create_mirror_login', '_require_mirrorable', '_mirror_statements', '_mirror_declare', '_mirror_forget',
            '_mirror_named', '_mirror_relation', '_mirror_columns', '_identity_index', '_index_columns', '_published_columns', '_mirror_fault',
            '_mirror_key_fault', '_mirror_login_statements', '_require_rights', '_require_session', '_may_act',
            '_role_may_act',
        'set_policy', 'unset_policy', 'advise', 'advise_for',
        'set_alert_destination', 'drop_alert_destination', 'test_alert', 'alert_on', 'alert_off', 'acknowledge', 'resend',
        'watch_duplicates', 'unwatch_duplicates', '_declare_duplicate_watch', '_unique_by', '_limit_merge', '_merge_counts',
        'merge_duplicates', '_references_to', '_telling_columns', '_primary_key', '_refuse_merge', '_require_mergeable', '_age_order',
            '_value_texts', '_key_match', '_reference_match', '_reference_table', '_lock_for_merge', '_forget_merge_plan',
            '_plan_merge', '_leave_out_conflicts',
            '_count_references', '_run_merge', '_require_merge_rights', '_begin_merge', '_recycle', '_note_repointed', '_require_merge',
            '_end_merge', '_merge_to_revert', '_recycled', '_repointed', '_end_unmerge', '_refuse_unmerge', '_type_in',
            '_unmerge_references', '_unmerge', '_unique_keys', '_require_unique', '_order_unique', '_clear_unique',
        'configure_sonar', 'track_state', 'untrack_state', '_state_columns', '_state_declare',
        '_audit', 'audit', 'seal_audit',
        'register_subject', 'register_entities', 'unregister_subject', '_require_subject_kind', '_register_subject', '_subject_places', 'forget',
            'export_subject', '_place_query', '_entity_ids', '_look_into_place', '_erase_place', '_count_traces', '_erase_traces', '_note_erasure',
            '_count_recycled', '_erase_recycled', '_count_prints', '_erase_prints',
            '_erase_entities', '_export_entities', '_require_subject_rights',
            'erasure_ledger', 'reapply_erasures', '_import_erasures', '_erasures_of', '_erasures_done', '_erased_kinds',
        'protect', 'unprotect', 'create_masked_view', '_require_protectable', '_purge_protected', '_protect_declare', '_protect_forget',
            '_mirrored_as', '_masked_expression', '_masked_view_of', '_masked_view_made',
            '_write_masked_view', '_remake_masked_view', '_without_constants',
        'observe_cost', 'assert_cost', 'expect', 'unexpect', '_known_statement', '_declare_expectation', '_forget_expectation', '_cost_remedy',
        '_require_healing', '_request_heal', '_show_steps', '_warn_unfinished', '_approve', '_action_steps',
        'heal_all', '_request_heal_all', '_settle_all', '_finish_heal_all', '_leave_out', '_holds',
        'baseline', 'present_state', 'diff', 'import_baseline', 'imported_definitions', 'approve_baseline', 'discard_baseline',
            'report_to_fleet', 'leave_fleet',
        '_begin_revert', '_queue_index', '_queue_index_back', '_finish_revert', '_is_undone', 'create_actor', 'pause', 'resume', 'configure_organ'];
    -- asymm_pulse: what the beat runs with the actor's own rights. Code of a table's owner runs in an
    -- actor's session, so nothing here may decide anything for others.
    v_pulse text[] := ARRAY[
        '_settings', '_caller', '_healing_paused',
        '_claim_action', '_action_table', '_warm_up', '_recover_actions', '_open_steps', '_settle', '_finish_action', '_apply_action',
            '_run_steps', '_waits', '_loses_nothing',
        '_process_ddl', '_scan_headers', '_scan_all', '_observe_queries', '_observe_tables', '_collect_examples',
            '_observe_plans', '_queries_to_plan', '_keep_plan', '_plan_statement', '_probe', '_probe_plan',
            '_forget_probe', '_hold_ddl', '_preparable', '_command',
            '_untrusted_functions', '_untrusted_checks', '_cost_of', '_plan_cost', '_node_cost', '_cost_context', '_cost_class', '_column_shares',
            '_scan_terms', '_terms_of', '_is_few', '_index_bound', '_rows_bound', '_would_use', '_would_order', '_scan_cost', '_small_scan',
            '_joined_rows', '_join_cost', '_few_keys', '_only_skips',
            '_sort_cost', '_aggregate_cost', '_recursion_cost', '_with_subplans', '_keep_cost',
            '_check_expectations', '_expectations_due', '_record_expectation',
        '_tokens', '_unquoted', '_pattern_key', '_method_candidates', '_unindexed_keys', '_key_lookups', '_deleted_from', '_sees_examples',
            '_columns_set',
            '_is_identifier', '_closing', '_unread', '_type_end',
            '_read_list', '_list_end', '_names_of', '_read',
            '_read_unit', '_read_value', '_row_item', '_read_expression', '_searched_schemas', '_type_named', '_cast_item', '_base_type', '_taken_as',
            '_operator_named', '_operator_item', '_call_item', '_any_item', '_trusts', '_plan_nodes', '_texts',
            '_scanned_relations', '_scanned_names', '_planned_relations',
            '_condition_terms',
            '_index_strategy', '_bare_expression', '_plan_terms', '_order_of_scan', '_query_terms', '_query_columns', '_key_lists', '_ordered_key',
            '_index_parts', '_class_name', '_same_key', '_needed_columns', '_equality_share', '_index_candidates',
        'start', 'stop', 'pulse', 'beat', 'cycle',
        '_check_actor', '_other_sessions', '_actor_settings', '_has_setting', '_actor_statements', '_period',
            '_beat_organs',
        '_claim_organ', '_organ_ran', '_organ_failed', '_housekeep', '_purge', '_recheck_policies', '_purge_workload', '_purge_reads',
            '_purge_findings', '_purge_recycled', '_purge_graph', '_purge_telemetry', '_purge_entities', '_tend_alerts',
            '_observe_telemetry', '_roll_up',
            '_take_lease', '_lane_to_run', '_runs_under_serial_cron', '_learn', '_cron_is_held', '_beat_begin',
            '_end_run', '_run_claimed', '_tell', '_recover_once', '_refuse_atomic', '_loop_session',
        '_record_beat', '_record_cycle', '_run_organ', '_merge_seen', '_plan_later', '_beat_report', '_announce',
            '_apply_claimed',
        '_tend_indexes', '_expire_advice', '_indexes_open', '_tend_command', '_index_command', '_index_command_ended', '_index_job', '_has_cron',
            '_prepare_builder', '_index_job_report', '_unschedule', '_validate_indexes', '_index_suspects', '_order_index', '_take_index_command',
            '_builder_ended', '_propose_drops', '_index_faults', '_index_pages',
            '_has_standbys', '_approve_proposed', '_tables_to_analyze', '_was_analyzed', '_analyze_tables',
        '_plan_again', '_make_hypothetical', '_drop_hypothetical', '_hypopg_schema', '_ddl_stamp', '_path_of',
            '_advice_budget', '_table_bytes', '_begin_advice', '_end_advice', '_advice_work', '_advice_step', '_advice_keep', '_advice_look',
            '_advice_measure', '_advice_result', '_seek_advice', '_advice_due', '_advice_proposals', '_expire_searched', '_similar_advice',
        '_propose_index', '_record_index', '_advice_relation', '_advice_parts', '_refuse_advice', '_strange_functions',
        '_require_writable', '_round', '_sleep', '_set_session', '_atomic_message', '_check_pulse',
        '_schedule_commands', '_register', '_require_cron', '_loops', '_mark_stopped', '_overslept',
            '_watchdog', '_tend_mirror',
        '_tend_audit', '_seal_audit',
        '_tend_graph', '_propose_annotations', '_watch_lineage',
        '_sonar_round',
        '_encore', '_encore_watch', '_replay_to_cancel', '_replay', '_replay_check', '_replay_work', '_keep_replay', '_replay_fault',
            '_replay_tree_fault', '_replay_type_fault', '_replay_function_fault', '_replay_relation_fault', '_replay_literal_fault',
            '_with_parts', '_scans_so_far', '_scans_since', '_reason_without_values', '_purge_replays', '_typical_values',
            '_open_comparisons',
        '_observe_duplicates', '_duplicate_work', '_keep_prints', '_require_watch', '_keep_duplicates', '_seen_duplicates',
            '_drop_duplicates_seen', '_equal_rows', '_look_for_duplicates', '_postpone_duplicates',
        '_observe_states', '_state_work', '_look_at_states', '_keep_states', '_state_key', '_texts_of', '_sonar_settings'];
    -- asymm_streamer: what the mirror's worker says and asks.
    v_streamer text[] := ARRAY['_mirror_registry', '_mirror_lead', '_mirror_report', '_mirror_partitions_astir', 'mirror_status'];
    -- asymm_sender: what a sender of alerts asks and says.
    v_sender text[] := ARRAY['_alert_claim', '_alert_sent', '_alert_failed'];
    -- asymm_writer: entities; who else is to read them is granted SELECT on these tables.
    v_writer text[] := ARRAY['create_entity', 'create_entities', 'update_entity', 'delete_entity'];
    v_entities text[] := ARRAY['data_entity', 'data_entity_history'];
    v_views text[] := ARRAY['settings', 'drift', 'actions', 'ddl', 'watched', 'heartbeat', 'organs', 'organ',
        'query_costs', 'expectations', 'broken_expectations',
        '_actors', 'fleet', 'policies', 'queries', 'slow_queries', 'table_writes', 'column_writes', 'advice', 'index_settings', 'annotation_settings',
        'quarantined', 'cached_queries', 'mirror_reads', 'findings', 'finding_history', 'metrics', 'query_latency',
        'nodes', 'flows', 'graph_settings', 'lineage_faults', 'lineage_coverage', 'proposed_annotations',
        'sonar_settings', 'watched_duplicates', 'effort', 'protected', 'subject_places', 'entity_settings', 'alerts', 'alert_rules',
        'encore_settings', 'encore_status', 'replays', 'replay_patterns',
        'vitals', 'verdict', 'database_now', 'lock_waits', 'table_health', 'tiles'];
    v_operator_views text[] := ARRAY['imported', 'audit_log', 'query_plans', 'state_transitions', 'mirror_keys', 'alert_destinations',
        'alert_outbox'];
    -- asymm_auditor: what nobody else of ours may change.
    v_auditor text[] := ARRAY['audit_entry', 'audit_seal', 'audit_head', 'audit_log', '_audit', '_audit_digest', '_audit_link', '_seal_audit',
        '_audit_faults', '_audit_state', '_refuse_audit_change'];
    v_owner name;
    v record;
BEGIN
    FOR v IN SELECT c.relname, pg_catalog.pg_get_userbyid(c.relowner) AS owner
               FROM pg_catalog.pg_class c
                   WHERE c.relnamespace = 'asymm'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
                AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.objid = c.oid AND c.relkind = 'S' AND d.deptype IN ('a', 'i')) LOOP
        v_owner := CASE WHEN v.relname = ANY (v_auditor) THEN 'asymm_auditor' ELSE 'asymm_owner' END;
        -- Only where it is due: it takes a lock that beats and DDL would wait for.
        -- What is in user mappings only a superuser may read: this view remains with one.
        IF v.relname = '_user_mapping' THEN
            EXECUTE 'REVOKE ALL ON asymm._user_mapping FROM PUBLIC, asymm_owner';
            EXECUTE 'GRANT SELECT ON asymm._user_mapping TO asymm_owner';
        ELSIF v.owner <> v_owner THEN
            EXECUTE pg_catalog.format('ALTER TABLE asymm.%I OWNER TO %I', v.relname, v_owner);
        END IF;
        EXECUTE pg_catalog.format('REVOKE ALL ON asymm.%I FROM PUBLIC, asymm_reader, asymm_pulse, '
                                  'asymm_operator, asymm_streamer, asymm_sender, asymm_writer', v.relname);
        IF v.relname = ANY (v_views) THEN
            EXECUTE pg_catalog.format('GRANT SELECT ON asymm.%I TO asymm_reader', v.relname);
        ELSIF v.relname = ANY (v_operator_views) THEN
            EXECUTE pg_catalog.format('GRANT SELECT ON asymm.%I TO asymm_operator', v.relname);
        ELSIF v.relname = ANY (v_entities) THEN
            EXECUTE pg_catalog.format('GRANT SELECT ON asymm.%I TO asymm_writer', v.relname);
        END IF;
    END LOOP;
    -- What mirror() granted.
    FOR v IN SELECT (SELECT '(' || pg_catalog.string_agg(pg_catalog.quote_ident(c), ', ') || ')' FROM pg_catalog.unnest(m.columns) AS c) AS list
               FROM asymm.mirror_table AS m WHERE (m.schema_name, m.table_name) = ('asymm', 'data_entity') LOOP
        EXECUTE pg_catalog.format('GRANT SELECT %s ON asymm.data_entity TO asymm_streamer', v.list);
    END LOOP;
    FOR v IN SELECT p.oid::regprocedure::text AS signature, p.proname, p.prokind
               FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'asymm'::regnamespace LOOP
        v_owner := CASE WHEN v.proname = ANY (v_auditor) THEN 'asymm_auditor' ELSE 'asymm_owner' END;
        EXECUTE pg_catalog.format('ALTER ROUTINE %s OWNER TO %I', v.signature, v_owner);
        EXECUTE pg_catalog.format('REVOKE ALL ON ROUTINE %s FROM PUBLIC, asymm_reader, asymm_pulse, '
                                  'asymm_operator, asymm_streamer, asymm_sender, asymm_writer', v.signature);
        IF v.proname = '_audit' THEN
            EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO asymm_owner', v.signature);
        ELSIF v.proname = '_caller' THEN
            EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO asymm_auditor', v.signature);
        END IF;
        IF v.proname = ANY (v_streamer) THEN
            EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO asymm_streamer', v.signature);
        ELSIF v.proname = ANY (v_writer) THEN
            EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO asymm_writer', v.signature);
        END IF;
        IF v.proname = ANY (v_sender) THEN
            EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO asymm_sender', v.signature);
        END IF;
        -- The other function of that name is for readers.
        IF v.signature = 'asymm.annotate(text,asymm.annotation)' THEN
            EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO asymm_operator', v.signature);
        ELSIF v.proname = ANY (v_reader) THEN
            EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO asymm_reader', v.signature);
        ELSIF v.proname = ANY (v_pulse) THEN
            EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO asymm_pulse', v.signature);
        ELSIF v.proname = ANY (v_operator) THEN
            EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO asymm_operator', v.signature);
        END IF;
    END LOOP;
    FOR v IN SELECT t.name FROM pg_catalog.unnest(ARRAY['cost', 'annotation', 'context', 'witness']) AS t (name) LOOP
        EXECUTE pg_catalog.format('ALTER TYPE asymm.%I OWNER TO asymm_owner', v.name);
        EXECUTE pg_catalog.format('REVOKE ALL ON TYPE asymm.%I FROM PUBLIC', v.name);
        EXECUTE pg_catalog.format('GRANT USAGE ON TYPE asymm.%I TO asymm_reader', v.name);
    END LOOP;
END
$privileges$;
