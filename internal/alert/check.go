package alert

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/common/model"
)

// checkGroup finds what Prometheus would refuse about a group itself.
func checkGroup(group Group) error {
	if err := checkLabels("label", group.Labels); err != nil {
		return err
	}
	if err := checkDuration("interval", group.Interval); err != nil {
		return err
	}
	return checkDuration("query_offset", group.QueryOffset)
}

// checkRule finds what Prometheus would refuse about a rule, but for its
// expression and its templates: one bad rule keeps a server from loading the
// whole file.
func checkRule(rule monitoringv1.Rule) error {
	if (rule.Alert == "") == (rule.Record == "") {
		return errors.New("needs exactly one of alert and record")
	}
	if rule.Record != "" {
		return checkRecord(rule)
	}
	if err := checkLabels("label", rule.Labels); err != nil {
		return err
	}
	if err := checkLabels("annotation", rule.Annotations); err != nil {
		return err
	}
	if err := checkDuration("for", rule.For); err != nil {
		return err
	}
	return checkDuration("keep_firing_for", rule.KeepFiringFor)
}

func checkRecord(rule monitoringv1.Rule) error {
	switch {
	case !model.UTF8Validation.IsValidMetricName(rule.Record), strings.ContainsAny(rule.Record, "{}"):
		return errors.New("record: is not the name of a metric")
	case rule.For != nil, rule.KeepFiringFor != nil, len(rule.Annotations) > 0:
		return errors.New("a recording rule has no for, keep_firing_for or annotations")
	}
	return checkLabels("label", rule.Labels)
}

// checkLabels finds the first name or value, in order, that cannot be one.
func checkLabels(what string, labels map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		switch {
		case !model.UTF8Validation.IsValidLabelName(name), name == model.MetricNameLabel:
			return fmt.Errorf("%s %q: cannot have this name", what, name)
		case !model.LabelValue(labels[name]).IsValid():
			return fmt.Errorf("%s %q: has a value that is not UTF-8", what, name)
		}
	}
	return nil
}

// checkDuration checks a duration that may be absent.
func checkDuration[D ~string](field string, text *D) error {
	if text == nil || *text == "" {
		return nil
	}
	if _, err := model.ParseDuration(string(*text)); err != nil {
		return fmt.Errorf("%s: %w", field, err)
	}
	return nil
}
