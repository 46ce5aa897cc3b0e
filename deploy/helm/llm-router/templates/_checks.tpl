{{/* What the router would refuse at start, told at install: each says what, where, and what would be right. */}}
{{- define "llm-router.checks" -}}
{{- $root := . }}
{{- $config := include "llm-router.config" . | fromYaml }}
{{- include "llm-router.checks.door" (list . $config) }}
{{- include "llm-router.checks.secrets" (list . $config) }}
{{- include "llm-router.checks.writtenOut" $config }}
{{- include "llm-router.checks.policies" (list . $config) }}
{{- include "llm-router.checks.network" (list . $config) }}

{{- $needed := include "llm-router.stopSeconds" . | int64 }}
{{- with .Values.controller.terminationGracePeriodSeconds }}
{{- if lt (int64 .) $needed }}
{{- fail (printf "controller.terminationGracePeriodSeconds is %d, but preStopSeconds, config.server.drain_delay_ms and shutdown_grace_ms with 5 s to close want %d: streams would be cut. Leave it out, or lower those" (int64 .) $needed) }}
{{- end }}
{{- end }}

{{- range $log := list "decision_log" "spend_log" }}
{{- with dig $log "path" "" $config }}
{{- $path := . }}
{{- $inside := false }}
{{- range include "llm-router.writable" $root | fromJsonArray }}{{ if hasPrefix (printf "%s/" (trimSuffix "/" .)) $path }}{{ $inside = true }}{{ end }}{{ end }}
{{- if not $inside }}{{ fail (printf "config.%s.path is %s, but the root file system is read-only: put it under /tmp (lost with the pod), or under a controller.extraVolumeMounts of yours" $log $path) }}{{ end }}
{{- end }}
{{- end }}

{{- with .Values.classifier }}
{{- if ne .kind "external" }}
{{- if and (eq .models.source "pvc") (not .models.pvc.claim) }}{{ fail "classifier.models.source is pvc: classifier.models.pvc.claim has to name the PersistentVolumeClaim that holds the model repository" }}{{ end }}
{{- if and (eq .models.source "objectStore") (not .models.objectStore.uri) }}{{ fail "classifier.models.source is objectStore: classifier.models.objectStore.uri has to name the model repository, for example store:bucket/model_repository" }}{{ end }}
{{- if and (eq (toString .rollout.maxSurge) "0") (eq (toString .rollout.maxUnavailable) "0") }}{{ fail "classifier.rollout: maxSurge and maxUnavailable can't both be 0, nothing could ever roll" }}{{ end }}
{{- end }}
{{- end }}
{{- with .Values.controller.strategy }}
{{- $rolling := .rollingUpdate | default dict }}
{{- if and (eq (toString $rolling.maxSurge) "0") (eq (toString $rolling.maxUnavailable) "0") }}{{ fail "controller.strategy.rollingUpdate: maxSurge and maxUnavailable can't both be 0, nothing could ever roll" }}{{ end }}
{{- end }}
{{- include "llm-router.checks.names" . }}
{{- range list "controller" "classifier" }}
{{- $part := index $root.Values . }}
{{- if and $part.autoscaling.enabled (gt (int64 $part.autoscaling.minReplicas) (int64 $part.autoscaling.maxReplicas)) }}{{ fail (printf "%s.autoscaling: minReplicas is above maxReplicas" .) }}{{ end }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}{{ fail "ingress.enabled: ingress.hosts has to name at least one host" }}{{ end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}{{ fail "httpRoute.enabled: httpRoute.parentRefs has to name the Gateway" }}{{ end }}
{{- end }}

{{/* What Kubernetes and Prometheus would refuse, or quietly take for something else. */}}
{{- define "llm-router.checks.names" -}}
{{- $fullname := include "llm-router.fullname" . }}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $fullname) }}
{{- fail (printf "objects would be called %s, but names of Services are small letters, digits and -, and begin with a letter: give fullnameOverride, or release under another name" $fullname) }}
{{- end }}
{{- range $place, $labels := dict "commonLabels" .Values.commonLabels "controller.podLabels" .Values.controller.podLabels "classifier.podLabels" .Values.classifier.podLabels }}
{{- range $key := include "llm-router.selector" (list $ "x") | fromYaml | keys }}
{{- if hasKey ($labels | default dict) $key }}{{ fail (printf "%s has %s, by which the chart's Services and policies find its pods: take it out, or give nameOverride" $place $key) }}{{ end }}
{{- end }}
{{- end }}
{{- with .Values.prometheusRule.selector }}
{{- if not (regexMatch "^\\s*[a-zA-Z_][a-zA-Z0-9_]*\\s*(=|!=|=~|!~)\\s*\"([^\"\\\\]|\\\\.)*\"\\s*(,\\s*[a-zA-Z_][a-zA-Z0-9_]*\\s*(=|!=|=~|!~)\\s*\"([^\"\\\\]|\\\\.)*\"\\s*)*,?\\s*$" .) }}
{{- fail (printf "prometheusRule.selector is %s, and every alert would be no PromQL: want matchers without braces, such as job=\"llm-router\"" .) }}
{{- end }}
{{- end }}
{{- end }}

{{/* An open door has to be asked for by name. */}}
{{- define "llm-router.checks.door" -}}
{{- $config := index . 1 }}
{{- $host := dig "server" "host" "127.0.0.1" $config }}
{{- if regexMatch "^(localhost|127\\..*|::1)$" $host }}
{{- fail (printf "config.server.host is %s, which nothing outside its pod reaches: leave it at 0.0.0.0, or :: with IPv6" $host) }}
{{- end }}
{{- $auth := $config.auth | default dict }}
{{- if ne ($auth.mode | default "auto") "open" }}
{{- if not (or $auth.keys $auth.keys_in_redis $auth.jwt) }}
{{- fail "nobody could call the router: give config.auth.keys (made by `npm run keys -- create`), config.auth.keys_in_redis with a Redis, or config.auth.jwt; or ask for an open door by name with config.auth.mode: open" }}
{{- end }}
{{- end }}
{{- if and $auth.keys_in_redis (not $config.redis) }}
{{- fail "config.auth.keys_in_redis is set, but there is no Redis: give config.redis, or redis.enabled for trials" }}
{{- end }}
{{- end }}

{{/* Every ${NAME} and every file under the secrets' folder has a Secret that it comes from. */}}
{{- define "llm-router.checks.secrets" -}}
{{- $root := index . 0 }}
{{- $text := index . 1 | toYaml }}
{{- range regexFindAll "\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}" $text -1 | uniq }}
{{- $name := . | trimPrefix "${" | trimSuffix "}" }}
{{- $extra := list }}
{{- range $root.Values.controller.extraEnv }}{{ $extra = append $extra .name }}{{ end }}
{{- if not (or $root.Values.controller.envFrom (has $name $extra) (hasKey $root.Values.secrets.env $name) (hasKey $root.Values.controller.env $name) (and $root.Values.redis.enabled (eq $name "REDIS_PASSWORD"))) }}
{{- fail (printf "the configuration names ${%s}, and nothing says where it comes from: give secrets.env.%s: { secret: SECRET, key: KEY }" $name $name) }}
{{- end }}
{{- end }}
{{- range keys $root.Values.secrets.env | sortAlpha }}
{{- if hasKey $root.Values.controller.env . }}{{ fail (printf "%s stands in secrets.env and in controller.env: keep one of them" .) }}{{ end }}
{{- end }}
{{- range regexFindAll "file:/etc/llm-router/secrets/[^/\\s]+" $text -1 | uniq }}
{{- $name := . | trimPrefix "file:/etc/llm-router/secrets/" }}
{{- if not (has $name $root.Values.secrets.files) }}
{{- fail (printf "the configuration names a file of the Secret %s: add %s to secrets.files" $name $name) }}
{{- end }}
{{- end }}
{{- end }}

{{/* A secret that is written out would stand in a ConfigMap. Argument: the configuration. */}}
{{- define "llm-router.checks.writtenOut" -}}
{{- $found := dict }}
{{- range $i, $target := .targets }}{{ $_ := set $found (printf "targets[%d].api_key" $i) ($target.api_key | default "") }}
{{- $_ := set $found (printf "targets[%d].tls.key" $i) (dig "tls" "key" "" $target) }}
{{- range $name, $value := $target.headers }}{{ if regexMatch "(?i)auth|key|token|secret|pass|cookie" $name }}{{ $_ := set $found (printf "targets[%d].headers.%s" $i $name) $value }}{{ end }}{{ end }}
{{- end }}
{{- range $i, $policy := .policies }}{{ range $j, $llm := $policy.llms }}{{ $_ := set $found (printf "policies[%d].llms[%d].api_key" $i $j) ($llm.api_key | default "") }}{{ end }}{{ end }}
{{- range $name, $value := (.redis | default dict) }}{{ if regexMatch "password" $name }}{{ $_ := set $found (printf "redis.%s" $name) $value }}{{ end }}{{ end }}
{{- $_ := set $found "classifier.tls.key" (dig "classifier" "tls" "key" "" .) }}
{{- with .admin }}{{ $_ := set $found "admin.token" (.token | default "") }}{{ end }}
{{- range keys $found | sortAlpha }}
{{- $value := get $found . | toString }}
{{- /* Shorter ones are words such as EMPTY, where no key is wanted. */}}
{{- if and (ge (len $value) 8) (not (contains "${" $value)) (not (hasPrefix "file:" $value)) }}
{{- fail (printf "config.%s is written out and would stand in a ConfigMap, which many may read: put it into a Secret, name that in secrets.env.NAME: { secret: SECRET, key: KEY }, and write ${NAME} here" .) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "llm-router.checks.policies" -}}
{{- $config := index . 1 }}
{{- $names := list }}
{{- range $config.policies }}{{ $names = append $names .name }}{{ end }}
{{- with $config.default_policy }}
{{- if not (has . $names) }}{{ fail (printf "config.default_policy is %s, and config.policies has: %s" . (join ", " $names)) }}{{ end }}
{{- end }}
{{- end }}
