{{/*
What the configuration and the environment call is let through by the network policy, judged by its port: who stands behind an address
is known in the cluster alone. An address that is known only in the pod is not judged.
*/}}

{{/* Text with its defaults in place of ${NAME:-default}. */}}
{{- define "llm-router.plain" -}}
{{- regexReplaceAll "\\$\\{[A-Za-z_][A-Za-z0-9_]*:-([^}]*)\\}" . "${1}" }}
{{- end }}

{{/* Port of an address with or without a scheme; empty: known only in the pod. Argument: (list ADDRESS DEFAULT), which the scheme's goes before */}}
{{- define "llm-router.portOf" -}}
{{- $plain := include "llm-router.plain" (index . 0) }}
{{- if not (or (contains "${" $plain) (hasPrefix "file:" $plain) (hasPrefix "unix:" $plain)) }}
{{- $known := dict "http" "80" "https" "443" "redis" "6379" "rediss" "6379" "grpc" "8001" "grpcs" "8001" }}
{{- $scheme := regexFind "^[a-z]+://" $plain | trimSuffix "://" }}
{{- $host := regexReplaceAll "^[a-z]+://" $plain "" | regexFind "^[^/?#]*" }}
{{- regexFind ":[0-9]+$" $host | trimPrefix ":" | default (get $known $scheme | default (index . 1)) }}
{{- end }}
{{- end }}

{{/* Argument: (list $ WHAT ADDRESS KEY DEFAULT): the key of networkPolicy has to let the address' port through */}}
{{- define "llm-router.checks.port" -}}
{{- $port := include "llm-router.portOf" (list (index . 2) (index . 4)) }}
{{- if $port }}
{{- $open := list }}
{{- range index (index . 0).Values.networkPolicy (index . 3) }}{{ range .ports }}{{ $open = append $open (int64 . | toString) }}{{ end }}{{ end }}
{{- if not (has $port $open) }}{{ fail (printf "%s at %s, and no networkPolicy.%s lets port %s through: add its peers and port" (index . 1) (index . 2) (index . 3) $port) }}{{ end }}
{{- end }}
{{- end }}

{{/* A variable of the controller whose value is written out. Argument: (list $ NAME…), the first that is there */}}
{{- define "llm-router.envOf" -}}
{{- $controller := (first .).Values.controller }}
{{- $all := dict }}
{{- range $controller.extraEnv }}{{ $_ := set $all .name (.value | default "") }}{{ end }}
{{- $all = merge (deepCopy $controller.env) $all }}
{{- $found := "" }}
{{- range rest . }}{{ if not $found }}{{ $found = get $all . | toString }}{{ end }}{{ end }}
{{- $found }}
{{- end }}

{{/* What is outside goes by the environment's proxy where there is one for its scheme. Argument: (list $ WHAT URL KEY) */}}
{{- define "llm-router.checks.outside" -}}
{{- $root := index . 0 }}
{{- $secure := hasPrefix "https:" (include "llm-router.plain" (index . 2)) }}
{{- $proxy := include "llm-router.envOf" ($secure | ternary (list $root "https_proxy" "HTTPS_PROXY") (list $root "http_proxy" "HTTP_PROXY")) }}
{{- if $proxy }}
{{- include "llm-router.checks.port" (list $root "the proxy of controller.env is" $proxy "upstreams" "80") }}
{{- else }}
{{- include "llm-router.checks.port" (list $root (index . 1) (index . 2) (index . 3) "") }}
{{- end }}
{{- end }}

{{- define "llm-router.checks.upstreams" -}}
{{- $root := index . 0 }}
{{- $targets := (index . 1).targets | default list }}
{{- range (index . 1).policies }}{{ range .llms }}{{ if .api_base }}{{ $targets = append $targets . }}{{ end }}{{ end }}{{ end }}
{{- range $target := $targets }}
{{- $proxy := $target.proxy | default "" }}
{{- if and $proxy (ne $proxy "none") }}
{{- include "llm-router.checks.port" (list $root (printf "the proxy of target %s is" $target.name) $proxy "upstreams" "80") }}
{{- else }}
{{- range (kindIs "slice" $target.api_base | ternary $target.api_base (list $target.api_base)) }}
{{- include (eq $proxy "none" | ternary "llm-router.checks.port" "llm-router.checks.outside") (list $root (printf "target %s is" $target.name) . "upstreams" "") }}
{{- end }}
{{- end }}
{{- end }}
{{- with dig "auth" "jwt" "jwks_url" "" (index . 1) }}
{{- include "llm-router.checks.outside" (list $root "config.auth.jwt.jwks_url is" . "upstreams") }}
{{- end }}
{{- with dig "object_store" "endpoint" "" (index . 1) }}
{{- include "llm-router.checks.outside" (list $root "config.object_store.endpoint is" . "upstreams") }}
{{- end }}
{{- range dig "notify" "webhooks" list (index . 1) }}
{{- /* What comes after the host may be a secret. */}}
{{- include "llm-router.checks.outside" (list $root (printf "webhook %s is" .name) (regexReplaceAll "^(https?://[^/?#]+).*$" .url "${1}") "upstreams") }}
{{- end }}
{{- end }}

{{- define "llm-router.checks.redis" -}}
{{- $root := index . 0 }}
{{- with (index . 1).redis }}
{{- $redis := . }}
{{- if not $root.Values.networkPolicy.redis }}{{ fail "config.redis names a Redis, and networkPolicy.redis lets nothing through: give its peers and port" }}{{ end }}
{{- with .url }}{{ include "llm-router.checks.port" (list $root "config.redis.url is" . "redis" "6379") }}{{ end }}
{{- range $key := list "sentinels" "cluster" }}
{{- range $node := index $redis $key }}
{{- include "llm-router.checks.port" (list $root (printf "one of config.redis.%s is" $key) (printf "%v:%v" $node.host (int64 $node.port)) "redis" "") }}
{{- end }}
{{- end }}
{{- range .address_map }}{{ include "llm-router.checks.port" (list $root "one of config.redis.address_map is" . "redis" "") }}{{ end }}
{{- end }}
{{- end }}

{{/* A classifier of one's own. The router asks http://HOST:8000 on 8001 where config.classifier.upgrade_http_to_grpc says so. */}}
{{- define "llm-router.checks.classifier" -}}
{{- $root := index . 0 }}
{{- if not $root.Values.networkPolicy.classifier }}{{ fail "classifier.kind is external, and networkPolicy.classifier lets nothing through: give its peers and port" }}{{ end }}
{{- $upgraded := dig "classifier" "upgrade_http_to_grpc" false (index . 1) }}
{{- range $policy := (index . 1).policies }}
{{- range (kindIs "slice" $policy.url | ternary $policy.url (list $policy.url)) }}
{{- $url := and $upgraded (hasPrefix "http:" .) | ternary (replace ":8000/" ":8001/" .) . }}
{{- include "llm-router.checks.port" (list $root (printf "the classifier of policy %s is" $policy.name) $url "classifier" "") }}
{{- end }}
{{- end }}
{{- end }}

{{- define "llm-router.checks.network" -}}
{{- $root := index . 0 }}
{{- $config := index . 1 }}
{{- $policy := $root.Values.networkPolicy }}
{{- if $policy.enabled }}
{{- include "llm-router.checks.upstreams" . }}
{{- if not $root.Values.redis.enabled }}{{ include "llm-router.checks.redis" . }}{{ end }}
{{- with include "llm-router.tracingEndpoint" $root }}
{{- if not $policy.tracing }}{{ fail (printf "traces go to %s (config.tracing.endpoint, or controller.env), and networkPolicy.tracing lets nothing through: give its peers and port" .) }}{{ end }}
{{- include "llm-router.checks.outside" (list $root "the collector of traces is" . "tracing") }}
{{- end }}
{{- if eq $root.Values.classifier.kind "external" }}{{ include "llm-router.checks.classifier" . }}{{ end }}
{{- end }}
{{- end }}
