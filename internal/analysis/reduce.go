package analysis

import (
	"math"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// reduce makes one number of the points of a series, of which there is at
// least one. NaN in a range is no data, and left out; of nothing else, it is
// NaN.
func reduce(m v1alpha1.Metric, points []Point) float64 {
	if m.Range == nil {
		return points[len(points)-1].Value
	}
	values := make([]float64, 0, len(points))
	for _, p := range points {
		if !math.IsNaN(p.Value) {
			values = append(values, p.Value)
		}
	}
	if len(values) == 0 {
		return math.NaN()
	}
	sum, least, most := 0.0, values[0], values[0]
	for _, v := range values {
		sum, least, most = sum+v, min(least, v), max(most, v)
	}
	switch m.Range.Reduce {
	case v1alpha1.ReduceMin:
		return least
	case v1alpha1.ReduceMax:
		return most
	case v1alpha1.ReduceLast:
		return values[len(values)-1]
	case v1alpha1.ReduceSum:
		return sum
	case v1alpha1.ReduceAvg:
	}
	return sum / float64(len(values))
}
