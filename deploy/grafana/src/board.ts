/** What our dashboards are made of, and how they become Grafana's JSON. */
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import {
  BigValueColorMode,
  BigValueGraphMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as HeatmapBuilder } from '@grafana/grafana-foundation-sdk/heatmap';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** Units as Grafana names them. */
export type Unit =
  | 'reqps'
  | 's'
  | 'percentunit'
  | 'short'
  | 'currencyUSD'
  | 'bytes'
  | 'none'
  | 'cps'
  | 'µs'
  | 'watt'
  | 'dateTimeFromNow';

export interface Query {
  readonly expr: string;
  /** Grafana's legend format. */
  readonly legend: string;
}

export interface Panel {
  /** Unique in its dashboard and never used again: alerts and bookmarks link to it. */
  readonly id: number;
  readonly title: string;
  /** What it shows and what is bad about it, for somebody who is woken up by an alert. */
  readonly description: string;
  readonly unit: Unit;
  readonly kind?: 'lines' | 'stack' | 'stat' | 'heatmap';
  /** Columns of 24. */
  readonly width?: number;
  readonly queries: readonly Query[];
  /** Parts whose metrics it shows and that not every installation has. */
  readonly needs?: 'triton' | 'gpu' | 'value';
  /** Words for the numbers of a state. */
  readonly states?: Readonly<Record<number, { readonly text: string; readonly color: string }>>;
  /** From this value on it is shown as bad. */
  readonly bad?: number;
  readonly max?: number;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export interface Variable {
  readonly name: string;
  readonly label: string;
  /** Query of the values, or the values themselves with the first as the default. */
  readonly values: string | readonly string[];
}

export interface Board {
  /** Unique and never changed: links hold it. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly variables: readonly Variable[];
  readonly rows: readonly Row[];
}

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
const TAG = 'llm-router';
const REFS = 'ABCDEFGH';

/** Every dashboard can be narrowed to one release, by its namespace and the job that scrapes it. */
const RELEASE: readonly Variable[] = [
  {
    name: 'namespace',
    label: 'Namespace',
    values: 'label_values(llm_router_build_info, namespace)',
  },
  {
    name: 'job',
    label: 'Job',
    values: 'label_values(llm_router_build_info{namespace=~"$namespace"}, job)',
  },
];

function query({ expr, legend }: Query, index: number, kind: Panel['kind']): Builder<Dataquery> {
  const built = new DataqueryBuilder().refId(REFS[index]!).expr(expr).legendFormat(legend).range();
  return kind === 'heatmap' ? built.format(PromQueryFormat.Heatmap) : built;
}

function valueMapping(states: NonNullable<Panel['states']>): dashboard.ValueMapping {
  const options = Object.entries(states).map(([value, { text, color }], index) => [
    value,
    { text, color, index },
  ]);
  return { type: dashboard.MappingType.ValueToText, options: Object.fromEntries(options) };
}

function thresholds(bad: number | undefined): dashboard.ThresholdsConfigBuilder {
  const steps = [
    { value: null, color: 'green' },
    ...(bad === undefined ? [] : [{ value: bad, color: 'red' }]),
  ];
  return new dashboard.ThresholdsConfigBuilder().mode(dashboard.ThresholdsMode.Absolute).steps(steps);
}

/** Lines and numbers have the same settings of their values, but no common type in the SDK. */
function common<T extends TimeseriesBuilder | StatBuilder | HeatmapBuilder>(builder: T, panel: Panel): T {
  builder
    .id(panel.id)
    .title(panel.title)
    .description(panel.description)
    .datasource(DATASOURCE)
    .unit(panel.unit)
    .height(panel.kind === 'stat' ? 4 : 8)
    .span(panel.width ?? (panel.kind === 'stat' ? 4 : 8))
    .targets(panel.queries.map((each, index) => query(each, index, panel.kind)));
  if (panel.states) builder.mappings([valueMapping(panel.states)]);
  return builder;
}

function panelBuilder(panel: Panel): Builder<dashboard.Panel> {
  if (panel.kind === 'heatmap') return common(new HeatmapBuilder(), panel);
  if (panel.kind === 'stat') {
    return common(new StatBuilder(), panel)
      .thresholds(thresholds(panel.bad))
      .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
      .graphMode(BigValueGraphMode.Area)
      .colorMode(BigValueColorMode.Value);
  }
  const lines = common(new TimeseriesBuilder(), panel)
    .min(0)
    .fillOpacity(panel.kind === 'stack' ? 30 : 8)
    .showPoints(VisibilityMode.Never)
    .thresholds(thresholds(panel.bad))
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(['lastNotNull', 'max']),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi));
  if (panel.max !== undefined) lines.max(panel.max);
  if (panel.kind === 'stack') lines.stacking(new StackingConfigBuilder().mode(StackingMode.Normal));
  return lines;
}

function variable({ name, label, values }: Variable): Builder<dashboard.VariableModel> {
  if (typeof values !== 'string') {
    return new dashboard.CustomVariableBuilder(name)
      .label(label)
      .values(values.join(','))
      .current({ selected: true, text: values[0]!, value: values[0]! });
  }
  return new dashboard.QueryVariableBuilder(name)
    .label(label)
    .datasource(DATASOURCE)
    .query(values)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ selected: true, text: ['All'], value: ['$__all'] });
}

/** Grafana's own form of a dashboard. */
export function build(board: Board): dashboard.Dashboard {
  const builder = new dashboard.DashboardBuilder(board.title)
    .uid(board.uid)
    .description(board.description)
    .tags([TAG])
    .refresh('30s')
    .time({ from: 'now-3h', to: 'now' })
    .timezone('browser')
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .link(
      new dashboard.DashboardLinkBuilder('LLM Router')
        .type(dashboard.DashboardLinkType.Dashboards)
        .tags([TAG])
        .asDropdown(true)
        .keepTime(true)
        .includeVars(true),
    )
    .withVariable(
      new dashboard.DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
    );
  for (const each of [...RELEASE, ...board.variables]) builder.withVariable(variable(each));
  // Rows get ids far from the panels', so that a new row changes no link.
  for (const [index, row] of board.rows.entries()) {
    builder.withRow(new dashboard.RowBuilder(row.title).id(1000 + index));
    for (const panel of row.panels) builder.withPanel(panelBuilder(panel));
  }
  return builder.build();
}

/** All panels of a dashboard. */
export const panelsOf = (board: Board): readonly Panel[] => board.rows.flatMap((row) => row.panels);
