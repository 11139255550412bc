package builtin

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// line is one series that a target exposes.
type line struct {
	labels labels.Labels
	read   uint64 // the latest exposition that had it
	good   uint64 // the latest that was of use and had it; zero when none was
}

func newReader(own labels.Labels, limits Limits) *reader {
	r := &reader{limits: limits, own: own, builder: labels.NewBuilder(labels.EmptyLabels())}
	r.forget()
	r.forgot = false
	return r
}

// forget drops all series but the live ones, which grow with whatever a target
// ever exposed.
func (r *reader) forget() {
	r.symbols, r.byText, r.byHash, r.forgot = labels.NewSymbolTable(), map[string]*line{}, map[uint64]*line{}, true
	for _, l := range r.live {
		r.byHash[l.labels.Hash()] = l
	}
}

// gone are the series that the latest exposition no longer has: all, if it was
// of no use.
func (r *reader) gone(b *batch) []*line {
	var gone []*line
	for _, l := range r.live {
		if b == nil || l.read != r.reads {
			gone = append(gone, l)
		}
	}
	return gone
}

// settle keeps what the latest exposition had, nothing if it was of no use.
func (r *reader) settle(b *batch) {
	r.live = nil
	if b == nil {
		return
	}
	r.live, r.good = b.present, r.reads
	for _, l := range b.present {
		l.good = r.reads
	}
}

// line is the series of the current entry, nil when it is one of those that
// only the scraper writes.
func (r *reader) line(text []byte, t textparse.Parser) (*line, *failure) {
	if l, known := r.byText[string(text)]; known {
		return l, nil
	}
	var exposed labels.Labels
	t.Labels(&exposed)
	if reported[exposed.Get(model.MetricNameLabel)] {
		r.byText[string(text)] = nil
		return nil, nil
	}
	all := r.labelled(exposed)
	if failed := r.check(all); failed != nil {
		return nil, failed
	}
	hash := all.Hash()
	l := r.byHash[hash] // the same labels may be exposed in another order or format
	if l == nil || !labels.Equal(l.labels, all) {
		l = &line{labels: all}
		r.byHash[hash] = l
	}
	r.byText[string(text)] = l
	return l, nil
}

// labelled adds the target's labels. As in Prometheus, they win, and what they
// displace is kept with a prefix.
func (r *reader) labelled(exposed labels.Labels) labels.Labels {
	var displaced []labels.Label
	r.builder.Reset(exposed)
	r.own.Range(func(l labels.Label) {
		if v := exposed.Get(l.Name); v != "" {
			displaced = append(displaced, labels.Label{Name: l.Name, Value: v})
		}
		r.builder.Set(l.Name, l.Value)
	})
	shortestFirst(displaced)
	for _, l := range displaced {
		name := model.ExportedLabelPrefix + l.Name
		for r.builder.Get(name) != "" {
			name = model.ExportedLabelPrefix + name
		}
		r.builder.Set(name, l.Value)
	}
	return r.builder.Labels()
}

// check holds a series against the limits.
func (r *reader) check(all labels.Labels) *failure {
	_, twice := all.HasDuplicateLabelNames()
	if twice || !all.Has(model.MetricNameLabel) || !all.IsValid(model.UTF8Validation) {
		return fail(ReasonMalformed, errors.New(all.String()), "answers with a series without a valid name, or with labels that are not")
	}
	if all.Len() > r.limits.Labels {
		return fail(ReasonLabelLimit, nil, "answers with a series of more than %d labels", r.limits.Labels)
	}
	err := all.Validate(func(l labels.Label) error {
		if len(l.Name) > r.limits.Label || len(l.Value) > r.limits.Label {
			return fmt.Errorf("label %.50s", l.Name)
		}
		return nil
	})
	if err != nil {
		return fail(ReasonLabelLimit, err, "answers with a label of more than %d bytes", r.limits.Label)
	}
	return nil
}

func shortestFirst(all []labels.Label) {
	slices.SortStableFunc(all, func(a, b labels.Label) int { return cmp.Compare(len(a.Name), len(b.Name)) })
}
