//! The table as a picture: every product's figure as a share of the better of haproxy and nginx.

use std::fmt::Write;

use crate::figures::{FIGURES, Figure, Goal, Samples};
use crate::product::Product;

/// An SVG that needs no font and no style of the page; legible on light and on dark ground.
pub(crate) fn svg(samples: &Samples) -> String {
    let products = samples.products();
    let rows: Vec<Figure> =
        FIGURES.into_iter().filter(|figure| samples.ratio(*figure, Product::Ravelin).is_some()).collect();
    let row_height = BAR * units(products.len()) + GAP;
    let height = TOP + row_height * units(rows.len()) + 10.0;
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">
<title>Cost beside haproxy, nginx and stunnel; the better of haproxy and nginx is 1, less is better</title>
<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>"##
    );
    for (place, product) in products.iter().enumerate() {
        let left = LABEL + 110.0 * units(place);
        let _ = writeln!(
            text,
            r##"<rect x="{left}" y="10" width="12" height="12" fill="{}"/><text x="{}" y="20" fill="#222222">{}</text>"##,
            colour(*product),
            left + 18.0,
            product.name()
        );
    }
    for (place, figure) in rows.iter().enumerate() {
        row(&mut text, samples, *figure, TOP + row_height * units(place));
    }
    let one = LABEL + SCALE;
    let _ = writeln!(
        text,
        r##"<line x1="{one}" y1="{}" x2="{one}" y2="{}" stroke="#222222"/><text x="{one}" y="{}" text-anchor="middle" fill="#222222">1</text>
</svg>"##,
        TOP - 6.0,
        height - 10.0,
        TOP - 10.0
    );
    text
}

fn row(text: &mut String, samples: &Samples, figure: Figure, top: f64) {
    let products = samples.products();
    let middle = top + BAR * units(products.len()) / 2.0 + 4.0;
    let _ = writeln!(
        text,
        r##"<text x="{}" y="{middle}" text-anchor="end" fill="#222222">{}</text>"##,
        LABEL - 8.0,
        figure.label().0
    );
    for (place, product) in products.iter().enumerate() {
        let Some(ratio) = samples.ratio(figure, *product) else { continue };
        let (y, width) = (top + BAR * units(place), ratio.min(RATIO_MAX) * SCALE);
        let _ = writeln!(
            text,
            r##"<rect x="{LABEL}" y="{y}" width="{width:.1}" height="{:.1}" fill="{}"/><text x="{:.1}" y="{:.1}" font-size="9" fill="#222222">{ratio:.2}</text>"##,
            BAR - 1.0,
            colour(*product),
            LABEL + width + 4.0,
            y + BAR - 2.0
        );
    }
    if let Goal::Ratio(most) = figure.goal() {
        let x = LABEL + most * SCALE;
        let _ = writeln!(
            text,
            r##"<line x1="{x:.1}" y1="{top}" x2="{x:.1}" y2="{}" stroke="#c00000" stroke-dasharray="2 2"/>"##,
            top + BAR * units(products.len())
        );
    }
}

fn colour(product: Product) -> &'static str {
    match product {
        Product::Ravelin => "#1b6e3c",
        Product::Haproxy => "#5b8fc9",
        Product::Nginx => "#8fb4d9",
        Product::Stunnel => "#c4c4c4",
    }
}

#[expect(clippy::cast_precision_loss, reason = "a handful")]
fn units(count: usize) -> f64 {
    count as f64
}

const WIDTH: f64 = 900.0;
const LABEL: f64 = 350.0;
const TOP: f64 = 50.0;
const BAR: f64 = 10.0;
const GAP: f64 = 10.0;
/// Length of 1.
const SCALE: f64 = 200.0;
/// Longer bars are cut; their number stands beside them.
const RATIO_MAX: f64 = 2.5;
