package tracing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// FromEnvironment makes a provider as OpenTelemetry's variables say, or returns nil where they ask for none
// (opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables): a collector is named, or OTEL_TRACES_EXPORTER
// is "otlp", and OTEL_SDK_DISABLED is not true. Unlike an SDK's usual default, nothing is sent where none of them is set.
// Which collector, how often and how much of it, OpenTelemetry's own code reads from the other variables.
//
// The error tells every variable with a value that does not work here. Shutdown of the provider sends what waits.
func FromEnvironment(ctx context.Context, get func(name string) string, version string, log *slog.Logger) (*sdktrace.TracerProvider, error) {
	on, err := wanted(get)
	if err != nil || !on {
		return nil, err
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("make the exporter of traces: %w", err)
	}
	// The library's errors name the collector's address, which may hold a password, so the kind alone is told.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {
		log.Warn("traces are lost: the collector of OTEL_EXPORTER_OTLP_ENDPOINT does not take them")
	}))
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "itemlens"), attribute.String("service.version", version)),
		resource.WithHost(), resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return sdktrace.NewTracerProvider(sdktrace.WithBatcher(cleanExporter{exporter}), sdktrace.WithResource(about)), nil
}

// wanted reads what decides whether traces are sent.
func wanted(get func(string) string) (bool, error) {
	read := func(name string) string { return strings.ToLower(strings.TrimSpace(get(name))) }
	var problems []error
	refuse := func(name, want string) { problems = append(problems, fmt.Errorf("%s must be %s", name, want)) }

	disabled := read("OTEL_SDK_DISABLED")
	if disabled == "true" {
		return false, nil // what the other variables hold means nothing then
	}
	if disabled != "" && disabled != "false" {
		refuse("OTEL_SDK_DISABLED", "true or false")
	}
	exporter := read("OTEL_TRACES_EXPORTER")
	if exporter == "none" {
		return false, errors.Join(problems...)
	}
	if exporter != "" && exporter != "otlp" {
		refuse("OTEL_TRACES_EXPORTER", "otlp or none")
	}
	named := false
	for _, name := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"} {
		text := strings.TrimSpace(get(name))
		if text == "" {
			continue
		}
		named = true
		if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			refuse(name, "an address such as http://collector:4318")
		}
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"} {
		if protocol := read(name); (named || exporter == "otlp") && protocol != "" && protocol != "http/protobuf" {
			refuse(name, "http/protobuf, the protocol that the app speaks")
		}
	}
	return exporter == "otlp" || named, errors.Join(problems...)
}
