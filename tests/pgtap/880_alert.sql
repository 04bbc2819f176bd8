-- Alerts: refusals by SQLSTATE, and words.
BEGIN;
SELECT plan(54);

SELECT throws_ok(format('SELECT asymm.%s', call), state, NULL, call)
  FROM (VALUES ('set_alert_destination(NULL, ''webhook'')', '22004'), ('set_alert_destination(''d'', NULL)', '22004'),
               ('set_alert_destination('' '', ''webhook'')', '22023'), ('set_alert_destination(''D'', ''webhook'')', '22023'),
               ('set_alert_destination(''d'', ''pager'')', '22023'), ('set_alert_destination(''d'', ''webhook'')', '22023'),
               ('set_alert_destination(''d'', ''webhook'', ''http://h/'')', '22023'),
               ('set_alert_destination(''d'', ''webhook'', ''http://h/'', ''PGPASSWORD'')', '22023'),
               ('set_alert_destination(''d'', ''webhook'', ''http://h/'', E''ASYMMETRICA_ALERT_X\nY'')', '22023'),
               ('set_alert_destination(''d'', ''webhook'', ''http://a:b@h/'', ''ASYMMETRICA_ALERT_X'')', '22023'),
               ('set_alert_destination(''d'', ''webhook'', ''http://a@h/'', ''ASYMMETRICA_ALERT_X'')', '22023'),
               ('set_alert_destination(''d'', ''webhook'', ''file:///etc/passwd'', ''ASYMMETRICA_ALERT_X'')', '22023'),
               ('set_alert_destination(''d'', ''webhook'', ''gopher://h/'', ''ASYMMETRICA_ALERT_X'')', '22023'),
               ('set_alert_destination(''d'', ''webhook'', E''http://h/\r\nHost: x'', ''ASYMMETRICA_ALERT_X'')', '22023'),
               ('set_alert_destination(''d'', ''webhook'', ''http://h /'', ''ASYMMETRICA_ALERT_X'')', '22023'),
               ('set_alert_destination(''d'', ''webhook'', ''http://'', ''ASYMMETRICA_ALERT_X'')', '22023'),
               ('set_alert_destination(''d'', ''webhook'', ''env:HOME'', ''ASYMMETRICA_ALERT_X'')', '22023'),
               ('set_alert_destination(''d'', ''webhook'', ''http://h/'', ''ASYMMETRICA_ALERT_X'', sender => ''x'')', '22023'),
               ('set_alert_destination(''d'', ''alertmanager'', ''http://h/'', ''ASYMMETRICA_ALERT_X'')', '22023'),
               ('set_alert_destination(''d'', ''alertmanager'', ''http://h/'', give_up_after => ''1 s'')', '22023'),
               ('set_alert_destination(''d'', ''email'', ''http://h/'', sender => ''a@b'', recipients => ''{a@b}'')', '22023'),
               ('set_alert_destination(''d'', ''email'', ''smtp://h'', recipients => ''{a@b}'')', '22023'),
               ('set_alert_destination(''d'', ''email'', ''smtp://h'', sender => ''a@b'')', '22023'),
               ('set_alert_destination(''d'', ''email'', ''smtp://h'', sender => E''a@b\nBcc: c@d'', recipients => ''{a@b}'')', '22023'),
               ('set_alert_destination(''d'', ''email'', ''smtp://h'', sender => ''a@b'', recipients => ''{"a@b, c@d"}'')', '22023'),
               ('set_alert_destination(''d'', ''email'', ''smtp://h'', sender => ''a@b'', recipients => ''{NULL}'')', '22023'),
               ('set_alert_destination(''d'', ''whatsapp'', ''https://h/'', ''ASYMMETRICA_ALERT_X'', ''12345'', ''{+4912345678}'')', '22023'),
               ('set_alert_destination(''d'', ''whatsapp'', NULL, ''ASYMMETRICA_ALERT_X'', ''../x'', ''{+4912345678}'')', '22023'),
               ('set_alert_destination(''d'', ''whatsapp'', NULL, ''ASYMMETRICA_ALERT_X'', ''12345'', ''{04912345678}'')', '22023'),
               ('set_alert_destination(''d'', ''whatsapp'', NULL, ''ASYMMETRICA_ALERT_X'', ''12345'', ''{+4912345678}'', ''A b'')', '22023'),
               ('set_alert_destination(''d'', ''whatsapp'', NULL, ''ASYMMETRICA_ALERT_X'', ''12345'', ''{+4912345678}'', ''a'', ''en-us'')', '22023'),
               ('drop_alert_destination(NULL)', '22004'), ('test_alert(''nowhere'')', '42704'), ('test_alert(NULL)', '22004'),
               ('alert_on(NULL, ''{d}'')', '22004'), ('alert_on(''r'', NULL)', '22004'), ('alert_on(''r'', ''{d}'')', '42704'),
               ('alert_on(''r'', ''{NULL}'')', '42704'), ('alert_off(NULL)', '22004'), ('acknowledge(NULL)', '22004'), ('acknowledge(7)', '42704'),
               ('resend(NULL)', '22004'), ('resend(7)', '42704')) AS c (call, state);

SELECT asymm.set_alert_destination('d', 'alertmanager', 'http://[::1]:9093/path?a=b');
SELECT throws_ok(format('SELECT asymm.alert_on(''r'', ''{d}'', %s)', call), '22023', NULL, call)
  FROM (VALUES ('''bad'''), ('sources => ''{Drift}'''), ('kinds => ''{NULL}'''), ('pattern => '' '''), ('wait => ''-1 s'''),
               ('quiet_hours => ''7-8'''),
               ('quiet_hours => ''07:00-07:00'''), ('time_zone => ''Mars'''), ('escalate_after => ''1 min''')) AS c (call);

SELECT is(string_agg(asymm._short_time(s), '; ' ORDER BY s), '0.0 s; 0.3 s; 12 s; 2 min; 3 h; 4 days', 'times in a few words')
  FROM unnest('{-1 s,0.3 s,12.4 s,100 s,3 h,4 days}'::interval[]) AS s;
SELECT is(string_agg(asymm._alert_name(n), '; ' ORDER BY n), '*; cache x; public.a; query 17', 'nodes as people read them')
  FROM unnest('{entity:public.a,query:17,*,cache:x}'::text[]) AS n;

SELECT * FROM finish();
ROLLBACK;
