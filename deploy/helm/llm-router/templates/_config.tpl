{{/* The router's configuration as the pods read it: templates filled in, and our own Redis where there is one. */}}
{{- define "llm-router.config" -}}
{{- $config := tpl (toYaml .Values.config) . | fromYaml }}
{{- with $config.Error }}{{ fail (printf "config is not YAML once its templates are filled in: %s" .) }}{{ end }}
{{- if and (eq .Values.ipFamily "IPv6") (eq (dig "server" "host" "" $config) "0.0.0.0") }}
{{- $_ := set $config.server "host" "::" }}
{{- end }}
{{- if .Values.redis.enabled }}
{{- if $config.redis }}{{ fail "redis.enabled makes a Redis of its own, and config.redis names another one: keep one of them" }}{{ end }}
{{- $_ := set $config "redis" (dict "url" (printf "redis://%s-redis:6379/0" (include "llm-router.fullname" .)) "password" "${REDIS_PASSWORD}") }}
{{- end }}
{{- if eq (dig "auth" "mode" "auto" $config) "open" }}
{{- /* An open door is told by which names it is called: a web page pointed at it is not one of them. */}}
{{- $name := include "llm-router.fullname" . }}
{{- $inside := list $name (printf "%s.%s" $name .Release.Namespace) (printf "%s.%s.svc" $name .Release.Namespace) (printf "%s.%s.svc.cluster.local" $name .Release.Namespace) }}
{{- $hosts := concat (dig "server" "allowed_hosts" list $config) $inside }}
{{- if .Values.ingress.enabled }}{{ $hosts = concat $hosts .Values.ingress.hosts }}{{ end }}
{{- $_ := set $config "server" (merge (dict "allowed_hosts" (uniq $hosts)) (default dict $config.server)) }}
{{- end }}
{{- toYaml $config }}
{{- end }}

{{/* Keys that a running router can't change, so that pods roll when, and only when, one of them does. */}}
{{- define "llm-router.restartChecksum" -}}
{{- $config := include "llm-router.config" . | fromYaml }}
{{- $found := list }}
{{- range .Files.Get "files/restart-keys.json" | fromJsonArray }}
{{- $node := $config }}
{{- range splitList "." . }}
{{- if kindIs "map" $node }}{{ $node = index $node . }}{{ else }}{{ $node = "" }}{{ end }}
{{- end }}
{{- $found = append $found (dict "key" . "value" $node) }}
{{- end }}
{{- toJson $found | sha256sum }}
{{- end }}

{{/* Milliseconds of config.server, with the router's own default. Argument: (list $ KEY DEFAULT) */}}
{{- define "llm-router.serverMs" -}}
{{- $config := include "llm-router.config" (index . 0) | fromYaml }}
{{- dig "server" (index . 1) (index . 2) $config | int64 }}
{{- end }}

{{/* Seconds from the order to stop until everything has ended by itself: preStop, drain, grace, and five to close. */}}
{{- define "llm-router.stopSeconds" -}}
{{- $drain := include "llm-router.serverMs" (list . "drain_delay_ms" 0) | int64 }}
{{- $grace := include "llm-router.serverMs" (list . "shutdown_grace_ms" 25000) | int64 }}
{{- add .Values.controller.preStopSeconds (divf (add $drain $grace) 1000.0 | ceil | int64) 5 }}
{{- end }}

{{/* Where traces go; empty: nowhere. */}}
{{- define "llm-router.tracingEndpoint" -}}
{{- $config := include "llm-router.config" . | fromYaml }}
{{- dig "tracing" "endpoint" "" $config | default (include "llm-router.envOf" (list . "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" "OTEL_EXPORTER_OTLP_ENDPOINT")) }}
{{- end }}

{{- define "llm-router.controllerPort" -}}
{{- include "llm-router.serverMs" (list . "port" 8084) }}
{{- end }}

{{/* Not empty when the admin API is to be reached from other pods. */}}
{{- define "llm-router.adminPort" -}}
{{- $config := include "llm-router.config" . | fromYaml }}
{{- with $config.admin }}
{{- if not (regexMatch "^(localhost|127\\..*|::1)$" (.host | default "127.0.0.1")) }}{{ .port | default 8085 | int64 }}{{ end }}
{{- end }}
{{- end }}

{{/* Longest answer that proxies must wait for, seconds. */}}
{{- define "llm-router.timeoutSeconds" -}}
{{- if .Values.exposure.timeoutSeconds }}
{{- .Values.exposure.timeoutSeconds | int64 }}
{{- else }}
{{- $config := include "llm-router.config" . | fromYaml }}
{{- $longest := 600000 }}
{{- range $config.targets }}{{ $longest = max $longest (dig "timeouts" "total_ms" 600000 . | int64) }}{{ end }}
{{- add 60 (divf $longest 1000.0 | ceil | int64) }}
{{- end }}
{{- end }}

{{/* Folders that the controller may write to, as a JSON list. */}}
{{- define "llm-router.writable" -}}
{{- $paths := list "/tmp" }}
{{- range .Values.controller.extraVolumeMounts }}{{ if not .readOnly }}{{ $paths = append $paths .mountPath }}{{ end }}{{ end }}
{{- toJson $paths }}
{{- end }}
