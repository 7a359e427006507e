//! Pictures of the results, as SVG.

use std::error::Error;
use std::path::Path;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;

pub(crate) use plotters::chart::SeriesLabelPosition as Legend;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// One line of a picture.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// What a picture says beside its lines.
pub(crate) struct Frame<'a> {
    pub(crate) title: &'a str,
    pub(crate) x: &'a str,
    pub(crate) y: &'a str,
    /// For figures that differ by powers of ten.
    pub(crate) logarithmic: bool,
    /// Where the names of the lines stand: where the lines are not.
    pub(crate) legend: Legend,
}

/// Told apart by everybody: Okabe and Ito's colours, which are made for that.
const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
    RGBColor(153, 153, 153),
];

const SIZE: (u32, u32) = (880, 480);

/// Draws lines into a file.
pub(crate) fn lines(file: &Path, frame: &Frame<'_>, lines: &[Line]) -> Result<()> {
    let points = || lines.iter().flat_map(|line| line.points.iter());
    let x = range(points().map(|(x, _)| *x));
    let y = range(points().map(|(_, y)| *y));
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    if frame.logarithmic {
        draw(
            &area,
            frame,
            lines,
            x,
            (y.0.max(0.1)..y.1 * 1.2).log_scale(),
        )?;
    } else {
        draw(&area, frame, lines, x, 0.0..y.1 * 1.05)?;
    }
    area.present()?;
    Ok(())
}

fn draw<Y>(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    frame: &Frame<'_>,
    lines: &[Line],
    x: (f64, f64),
    y: Y,
) -> Result<()>
where
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: ValueFormatter<f64> + Ranged<ValueType = f64>,
{
    let mut chart = ChartBuilder::on(area)
        .caption(frame.title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(x.0..x.1, y)?;
    chart
        .configure_mesh()
        .x_desc(frame.x)
        .y_desc(frame.y)
        .light_line_style(WHITE)
        .draw()?;
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        let style = colour.stroke_width(2);
        chart
            .draw_series(LineSeries::new(line.points.iter().copied(), style))?
            .label(&line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
    }
    chart
        .configure_series_labels()
        .position(frame.legend.clone())
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    Ok(())
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let finite = values.filter(|value| value.is_finite());
    let (low, high) = finite.fold((f64::MAX, f64::MIN), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if low < high { (low, high) } else { (0.0, 1.0) }
}
