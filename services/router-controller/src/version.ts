/** Of the router; the packages', the chart's and the images' are the same. */
export const VERSION = '0.1.0';
