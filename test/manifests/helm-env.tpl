env:
  {{- range $key, $step := .Values.initkit }}
  - {name: INITKIT_STEP_{{ $key }}, value: {{ $step | quote }}}
  {{- end }}
